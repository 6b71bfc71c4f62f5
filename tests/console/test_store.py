from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from iot_service.console import store
from iot_service.console.curve import thin
from iot_service.db import Connection, Database, Jsonb
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
from tests.factories import NOW, insert, make_device, make_home, make_need


def reading(connection: Connection, at: datetime, value: float = 1.0, **over: Any) -> None:
    values = {"device_id": "freezer-1", "metric": "temperature", "ts": at, "value": value, "received_at": at}
    insert(connection, "reading", **{**values, **over})


def letter(connection: Connection, reason: str = "not_json", payload: bytes = b"x") -> None:
    insert(
        connection, "dead_letter", received_at=NOW, topic="iot/v1/freezer-1/telemetry", device_id="freezer-1",
        payload=payload, reason=reason, detail="d",
    )  # fmt: skip


def test_the_figures_count_what_their_names_say(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2", service_state="commissioning")
        insert(connection, "connection", device_id="freezer-2", online=False, since=NOW)
        for minutes in (0, 0.5, 30, 90):
            reading(connection, NOW - timedelta(minutes=minutes))
        letter(connection)
        insert(connection, "dead_letter_count", device_id="freezer-1", reason="not_json", hour=NOW, kept=1, dropped=9)
        figures = store.totals(connection, now=NOW)
    assert {name: figures[name] for name in ("in_service", "commissioning", "offline")} == {
        "in_service": 1, "commissioning": 1, "offline": 1,
    }  # fmt: skip
    assert (figures["readings_minute"], figures["readings_hour"], figures["dead_letters"]) == (2, 3, 10)


def test_ingest_is_as_far_behind_as_its_slowest_process(database: Database) -> None:
    with database.transaction() as connection:
        assert store.ingest_lag(connection, now=NOW) is None
        for name, lag in (("1", 2), ("2", 7)):
            insert(connection, "ingest_slot", client_id=name, caught_up_at=NOW - timedelta(seconds=lag), seen_at=NOW)
        assert store.ingest_lag(connection, now=NOW) == timedelta(seconds=7)
        gone = NOW - timedelta(hours=1)  # what waits for it is not stored, before somebody has emptied its slot
        insert(connection, "ingest_slot", client_id="3", caught_up_at=gone, seen_at=gone)
        assert store.ingest_lag(connection, now=NOW) == timedelta(hours=1)


def test_open_needs_come_gravest_first_and_snoozed_ones_last(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_need(connection, rule="b", severity="low")
        make_need(connection, rule="a", severity="critical", snoozed_until=NOW + timedelta(hours=1))
        make_need(connection, rule="c", severity="high")
        make_need(connection, rule="d", severity="high", state="resolved", closed_at=NOW)
        rows, counts = store.open_needs(connection, now=NOW)
        later, _ = store.open_needs(connection, now=NOW + timedelta(hours=2))
    assert [row["rule"] for row in rows] == ["c", "b", "a"]
    assert [row["rule"] for row in later] == ["a", "c", "b"]
    assert counts == {"critical": 1, "high": 1, "low": 1}


def test_a_need_that_devices_share_stands_there_once_and_says_so(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2", name="Quiet one")
        parent = make_need(connection, rule="power_lost", site_id="anna-home")
        make_need(
            connection, rule="power_lost", device_id="freezer-2", site_id="anna-home", parent_id=parent["id"]
        )  # fmt: skip
        rows, counts = store.open_needs(connection, now=NOW)
        (child,) = store.open_needs_of(connection, "freezer-2")
        (own,) = store.open_needs_of(connection, "freezer-1")
    assert [(row["id"], row["children"]) for row in rows] == [(parent["id"], 1)]
    assert counts == {"critical": 1}
    assert (child["parent_device_id"], child["parent_device_name"]) == ("freezer-1", "Vaksinefryser")
    assert (own["parent_device_id"], own["children"]) == (None, 1)


def test_what_was_held_back_is_called_by_its_rule(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        data = {"rule": "temperature_high", "held_by": "maintenance"}
        record(connection, Event(EventType.NEED_HELD_BACK, NOW, "freezer-1", "why", device_id="freezer-1", data=data))
        rows = [*store.newest_events(connection, after=0), *store.device_events(connection, "freezer-1")]
    assert [(row["rule"], row["product"]) for row in rows] == [("temperature_high", "freezer")] * 2


def test_the_maintenance_of_a_device_is_also_that_of_its_site_and_customer(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        hour = timedelta(hours=1)
        common = {"reason": "swap", "created_by": "operator:9", "created_at": NOW}
        for target, start, end in (
            ({"device_id": "freezer-1"}, NOW + hour, NOW + 2 * hour),
            ({"site_id": "anna-home"}, NOW - hour, NOW + hour),
            ({"customer_id": "anna"}, NOW - 2 * hour, NOW - hour),
        ):
            insert(connection, "maintenance_window", starts_at=start, ends_at=end, **target, **common)
        rows = store.maintenance_of(connection, "freezer-1", now=NOW)
    assert [row["starts_at"] for row in rows] == [NOW - timedelta(hours=1), NOW + timedelta(hours=1)]


def test_events_come_newest_first_and_name_the_operator(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        operator = insert(
            connection, "operator", email="ola@example.com", name="Ola", password_hash="x", created_at=NOW
        )
        for kind in (EventType.DEVICE_ONLINE, EventType.DEVICE_OUT_OF_SERVICE):
            actor = f"operator:{operator['id']}"
            record(connection, Event(kind, NOW, "freezer-1", "why", device_id="freezer-1", actor=actor))
        rows = store.newest_events(connection, after=0)
        newer = store.newest_events(connection, after=rows[1]["id"])
        of_device = store.device_events(connection, "freezer-1")
    assert [(row["type"], row["actor"], row["device_name"]) for row in rows] == [
        ("device.out_of_service", "Ola", "Vaksinefryser"),
        ("device.online", "Ola", "Vaksinefryser"),
    ]
    assert [row["id"] for row in newer] == [rows[0]["id"]]
    assert [row["id"] for row in of_device] == [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["freezer-1", "freezer-2"]),
        ({"search": "VAKSINE"}, ["freezer-1"]),
        ({"search": "anna"}, ["freezer-1", "freezer-2"]),
        ({"search": "100%"}, []),
        ({"state": "out_of_service"}, ["freezer-2"]),
        ({"product": "car"}, []),
        ({"page": 2, "size": 1}, ["freezer-2"]),
    ],
)
def test_devices_are_found_and_those_in_need_come_first(
    database: Database, filters: dict[str, Any], expected: list[str]
) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2", name="A freezer", service_state="out_of_service")
        make_need(connection, severity="low", rule="silent")
        make_need(connection, severity="critical")
        connection.execute("UPDATE rule_state SET newest_ts = %s WHERE device_id = 'freezer-1'", [NOW])
        rows, matches = store.devices(connection, **filters)
    assert [row["id"] for row in rows] == expected
    assert matches == (2 if filters.get("page") else len(expected))
    if "freezer-1" in expected:
        assert (rows[0]["severity"], rows[0]["needs"], rows[0]["newest_at"]) == ("critical", 2, NOW)


def test_the_twin_has_the_newest_of_each_metric_and_attribute(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for minute in range(5):
            reading(connection, NOW + timedelta(minutes=minute), float(minute))
            reading(connection, NOW + timedelta(minutes=minute), float(-minute), metric="door")
        reading(connection, NOW, device_id="other", metric="aaa")
        for minute, version in ((0, "1"), (1, "2")):
            ts = NOW + timedelta(minutes=minute)
            insert(
                connection, "attribute", device_id="freezer-1", name="firmware", ts=ts, value=Jsonb(version),
                received_at=ts,
            )  # fmt: skip
        metrics, attributes = store.twin(connection, "freezer-1")
    assert [(row["metric"], row["value"]) for row in metrics] == [("door", -4.0), ("temperature", 4.0)]
    assert [(row["name"], row["value"]) for row in attributes] == [("firmware", "2")]


def test_a_device_that_never_reported_has_an_empty_twin(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        assert store.twin(connection, "freezer-1") == ([], [])


def test_the_database_thins_a_curve_as_the_pure_function_does(database: Database) -> None:
    dice = random.Random(7)
    times = sorted({NOW - timedelta(seconds=dice.randrange(1, 3600)) for _ in range(400)})
    with database.transaction() as connection:
        make_home(connection)
        for at in times:
            reading(connection, at, round(dice.gauss(-70, 3), 2))
        seen = store.curve(connection, "freezer-1", "temperature", span=timedelta(hours=1), now=NOW, steps=20)
        points = [
            (row["ts"].timestamp(), row["value"])
            for row in connection.execute("SELECT ts, value FROM reading ORDER BY ts")
        ]
    assert (seen.since, seen.until) == (NOW - timedelta(hours=1), NOW)
    assert seen.steps == thin(points, since=seen.since.timestamp(), seconds=180)


def test_a_recording_of_last_year_ends_the_curve_with_its_newest_reading(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        old = NOW - timedelta(days=400)
        reading(connection, old - timedelta(hours=2))
        reading(connection, old)
        last = store.curve(connection, "freezer-1", "temperature", span=timedelta(hours=1), now=NOW)
        whole = store.curve(connection, "freezer-1", "temperature", span=None, now=NOW)
        none = store.curve(connection, "freezer-1", "door", span=None, now=NOW)
    assert (last.until, len(last.steps)) == (old, 1)
    assert (whole.since, whole.until, len(whole.steps)) == (old - timedelta(hours=2), old, 2)
    assert none.steps == []


def test_the_needs_of_a_span_are_those_open_at_some_time_in_it(database: Database) -> None:
    hour = timedelta(hours=1)
    with database.transaction() as connection:
        make_home(connection)
        for rule, opened, closed in (("before", -9, -8), ("across", -5, -3), ("after", 3, None), ("still", -9, None)):
            make_need(
                connection,
                rule=rule,
                state="resolved" if closed else "open",
                opened_at=NOW + opened * hour,
                closed_at=NOW + closed * hour if closed else None,
            )
        rows = store.device_needs(connection, "freezer-1", since=NOW - 4 * hour, until=NOW)
        still = store.open_needs_of(connection, "freezer-1")
    assert [row["rule"] for row in rows] == ["across", "still"]
    assert [row["rule"] for row in still] == ["still", "after"]


def test_dead_letters_come_newest_first_cut_short_page_by_page(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        for number in range(3):
            letter(connection, payload=bytes([number]) * 1000)
        letter(connection, reason="unknown_device")
        insert(connection, "dead_letter_count", device_id="freezer-1", reason="not_json", hour=NOW, kept=3, dropped=40)
        first = store.dead_letters(connection, reason="not_json", limit=2, shown=10)
        rest = store.dead_letters(connection, reason="not_json", before=first[-1]["id"], limit=2)
        reasons = store.dead_letter_reasons(connection)
    assert [(bytes(row["payload"]), row["size"]) for row in first] == [(b"\x02" * 10, 1000), (b"\x01" * 10, 1000)]
    assert len(rest) == 1
    assert [(row["reason"], row["kept"], row["dropped"]) for row in reasons] == [
        ("not_json", 3, 40),
        ("unknown_device", 1, 0),
    ]


def test_only_a_session_in_force_may_act(database: Database) -> None:
    with database.transaction() as connection:
        row = insert(connection, "operator", email="o@example.com", name="O", password_hash="x", created_at=NOW)
        end = NOW + timedelta(hours=1)
        insert(
            connection, "operator_session", token_hash=b"x", operator_id=row["id"], csrf_token="t", created_at=NOW,
            expires_at=end,
        )  # fmt: skip
        assert store.may_act(connection, "t", now=NOW)
        assert not store.may_act(connection, "t", now=end)
        assert not store.may_act(connection, "other", now=NOW)
        connection.execute("UPDATE operator SET disabled_at = %s", [NOW])
        assert not store.may_act(connection, "t", now=NOW)
