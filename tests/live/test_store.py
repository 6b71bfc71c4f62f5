from __future__ import annotations

from datetime import timedelta
from typing import Any

from iot_service.db import Connection, Database, Jsonb
from iot_service.db.events import record
from iot_service.live.store import Cursor, begin, poll, summary
from iot_service.model.event import Event, EventType
from tests.factories import NOW, insert, make_home, make_need

HEADLINES = {"freezer": ("battery", "temperature")}


def happen(connection: Connection, need: dict[str, Any], kind: EventType = EventType.NEED_OPENED) -> int:
    return record(
        connection,
        Event(kind, NOW, str(need["id"]), "why", device_id="freezer-1", customer_id="anna", need_id=need["id"]),
    )


def message(connection: Connection, event_id: int, *states: str) -> None:
    row = insert(
        connection, "notification", event_id=event_id, recipient_kind="customer", recipient_id="anna", template="t",
        locale="en", subject="s", short_text="It is warm", body="b", created_at=NOW,
    )  # fmt: skip
    for channel, state in zip(("app", "sms", "email"), states, strict=False):
        insert(connection, "delivery", notification_id=row["id"], channel=channel, address="x", state=state)


def reading(connection: Connection, minute: int, value: float, metric: str = "temperature") -> None:
    ts = NOW + timedelta(minutes=minute)
    insert(connection, "reading", device_id="freezer-1", metric=metric, ts=ts, value=value, received_at=ts)


def test_a_poll_gives_what_is_new_since_the_last_one_with_names(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need = make_need(connection)
        message(connection, happen(connection, need), "sent", "failed", "queued")
        insert(
            connection, "dead_letter", received_at=NOW, topic="t", device_id="freezer-1", payload=b"x",
            reason="not_json", detail="d",
        )  # fmt: skip
        insert(
            connection, "device_event", device_id="freezer-1", name="DoorAjar", ts=NOW, data=Jsonb({}), received_at=NOW
        )
        first = poll(connection, cursor=Cursor(), headlines=HEADLINES)
        again = poll(connection, cursor=first.cursor, headlines=HEADLINES)
    assert [(row["device_name"], row["customer_name"], row["rule"]) for row in first.events] == [
        ("Vaksinefryser", "Anna Berg", "temperature_high")
    ]
    assert [(row["channel"], row["state"], row["recipient_name"]) for row in first.deliveries] == [
        ("sms", "failed", "Anna Berg"),
        ("app", "sent", "Anna Berg"),
    ]
    assert [row["reason"] for row in first.dead_letters] == ["not_json"]
    assert [row["name"] for row in first.device_events] == ["DoorAjar"]
    assert (again.events, again.dead_letters, again.device_events) == ((), (), ())


def test_a_view_can_begin_with_what_happens_from_now_on(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        need = make_need(connection)
        message(connection, happen(connection, need), "sent")
        cursor = begin(connection)
        happen(connection, need, EventType.NEED_ACKNOWLEDGED)
        seen = poll(connection, cursor=cursor, headlines=HEADLINES)
    assert [row["type"] for row in seen.events] == ["need.acknowledged"]
    assert seen.deliveries == ()


def test_a_device_comes_with_the_newest_readings_of_the_best_metric_it_reports(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_need(connection, severity="high")
        make_need(connection, severity="low", rule="silent")
        for minute in range(5):
            reading(connection, minute, float(minute))
        (row,) = poll(connection, cursor=Cursor(), headlines=HEADLINES, points=3).devices
    assert (row["metric"], row["readings"], row["severity"]) == ("temperature", [4.0, 3.0, 2.0], "high")


def test_a_device_that_never_reported_is_shown_all_the_same(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        (row,) = poll(connection, cursor=Cursor(), headlines=HEADLINES).devices
    assert (row["name"], row["metric"], row["readings"]) == ("Vaksinefryser", None, None)


def test_the_summary_is_counted_from_the_tables(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for minute in range(7):
            reading(connection, minute, 1.0)
        faults = make_need(connection)
        make_need(connection, rule="a", kind="service")
        make_need(connection, rule="b", kind="refill", state="resolved")
        message(connection, happen(connection, faults), "sent", "failed", "sending")
        insert(connection, "dead_letter", received_at=NOW, topic="t", payload=b"x", reason="not_json", detail="d")
        insert(connection, "dead_letter_count", device_id="", reason="not_json", hour=NOW, kept=1, dropped=41)
        counted = summary(connection, seconds_to_first_need=6.1, url="http://127.0.0.1:8000")
    assert counted == {
        "readings": 7,
        "dead_letters": 42,
        "needs": {"service": 1, "fault": 1, "refill": 1},
        "appointments": 0,
        "jobs": 0,
        "orders": 0,
        "deliveries": {"sent": 1, "failed": 1},
        "seconds_to_first_need": 6.1,
        "url": "http://127.0.0.1:8000",
    }
