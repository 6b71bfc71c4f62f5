from __future__ import annotations

import json
import threading
import time
from typing import Any

from starlette.testclient import TestClient

from iot_service.db import Database
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
from tests.api.callers import Callers
from tests.factories import NOW, insert, make_customer


def happen(database: Database, subject: str) -> int:
    with database.transaction() as connection:
        event = Event(type=EventType.DEVICE_ONLINE, at=NOW, subject_id=subject, reason="it connected")
        return record(connection, event)


def frames(text: str) -> list[dict[str, Any]]:
    data = [line for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in data]


def test_events_are_streamed_as_they_are_committed(client: TestClient, callers: Callers, database: Database) -> None:
    def later() -> None:
        time.sleep(0.7)
        happen(database, "freezer-1")

    thread = threading.Thread(target=later)
    thread.start()
    answer = client.get("/v1/events/live", headers=callers.integration)
    thread.join()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["subject_id"] for event in frames(answer.text)] == ["freezer-1"]
    assert "event: device.online" in answer.text


def test_who_was_away_gets_what_was_missed(client: TestClient, callers: Callers, database: Database) -> None:
    seen, missed = happen(database, "seen"), happen(database, "missed")
    headers = callers.integration | {"Last-Event-ID": str(seen)}
    answer = client.get("/v1/events/live", headers=headers)
    assert [event["id"] for event in frames(answer.text)] == [missed]
    assert f"id: {missed}\n" in answer.text


def test_an_inbox_streams_its_own_messages_only(client: TestClient, callers: Callers, database: Database) -> None:
    event_id = happen(database, "x")
    with database.transaction() as connection:
        make_customer(connection)
        for person in ("anna", "bo"):
            insert(
                connection, "notification", event_id=event_id, recipient_kind="customer", recipient_id=person,
                template="t", locale="nb", subject=f"To {person}", short_text="s", body="b", created_at=NOW,
            )  # fmt: skip
    answer = client.get("/v1/inbox/live", headers=callers.customer() | {"Last-Event-ID": "0"})
    assert [message["subject"] for message in frames(answer.text)] == ["To anna"]


def test_nothing_is_left_out_for_who_was_away_for_long(
    client: TestClient, callers: Callers, database: Database
) -> None:
    seen = happen(database, "seen")
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO event (at, type, subject_id, actor, reason)"
            " SELECT %(now)s, 'device.online', number::text, 'a test', 'it connected'"
            " FROM generate_series(1, 1001) AS number",
            {"now": NOW},
        )
    answer = client.get("/v1/events/live", headers=callers.integration | {"Last-Event-ID": str(seen)})
    assert [event["subject_id"] for event in frames(answer.text)] == [str(number) for number in range(1, 1002)]
