"""Messages become one batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.batches import Batch, Context, StatusChange, Touched, addresses, build_batch
from iot_service.ingest.letters import DeadLetter
from iot_service.ingest.marker import write_marker
from iot_service.ingest.reasons import Reason
from iot_service.ingest.registry import Registered
from iot_service.ingest.source import Message
from tests.ingest.examples import FIELDS, LIMITS, MILLIS, RECEIVED, telemetry

DEVICES = {
    "freezer-1": Registered("freezer-1", "freezer", "anna"),
    "freezer-2": Registered("freezer-2", "freezer", "anna"),
    "robot-1": Registered("robot-1", "robot", "anna"),
}
CONTEXT = Context({"freezer": FIELDS}, LIMITS, "0af3")


def build(*messages: Message) -> Batch:
    return build_batch(messages, DEVICES, CONTEXT)


def letters(batch: Batch) -> list[DeadLetter]:
    return [letter for _, kept, _ in batch.letters.buckets() for letter in kept]


def event(name: str, data: object, *, ts: int = MILLIS, received: int = RECEIVED) -> Message:
    payload = json.dumps({"ts": ts, "name": name, "data": data}).encode()
    return Message("iot/v1/freezer-1/event", payload, received)


def test_readings_of_all_devices_stand_in_one_batch_with_the_time_of_their_message() -> None:
    batch = build(
        telemetry({"temperature": -70, "door": 0}), telemetry({"door": 1}, device="freezer-2", received=RECEIVED + 5)
    )
    assert {key: tuple(row) for key, row in batch.readings.items()} == {
        ("freezer-1", "temperature", RECEIVED): (-70.0, RECEIVED, False),
        ("freezer-1", "door", RECEIVED): (0.0, RECEIVED, False),
        ("freezer-2", "door", RECEIVED): (1.0, RECEIVED + 5, False),
    }
    assert len(batch.letters) == 0


def test_the_same_reading_twice_is_stored_once() -> None:
    batch = build(telemetry({"temperature": -70}), telemetry({"temperature": -70.0}, received=RECEIVED + 1))
    assert list(batch.readings.values()) == [(-70.0, RECEIVED, False)]
    assert len(batch.letters) == 0


def test_of_two_values_for_one_instant_the_first_stands_and_the_second_is_a_conflict() -> None:
    batch = build(telemetry({"temperature": -70}), telemetry({"temperature": -60}))
    assert [row.value for row in batch.readings.values()] == [-70.0]
    (letter,) = letters(batch)
    assert letter.reason is Reason.CONFLICT
    assert letter.detail == "temperature is -60, but -70 came first for the same ts; it stands"
    assert json.loads(letter.payload) == {"ts": MILLIS, "values": {"temperature": -60}}


def test_two_names_of_one_metric_in_one_message_must_agree() -> None:
    assert len(build(telemetry({"hours": 1, "Seconds": 3600})).letters) == 0
    assert len(build(telemetry({"hours": 1, "Seconds": 7200})).letters) == 1


def test_attributes_and_events_are_kept_as_json_and_conflict_likewise() -> None:
    batch = build(
        telemetry({"codes": ["P0300"]}),
        telemetry({"codes": ["P0300"]}),
        telemetry({"codes": "none"}),
        event("DripTrayFull", {"level": 1}),
        event("DripTrayFull", {"level": 1}),
        event("DripTrayFull", {"level": 2}),
    )
    assert {key: row.value for key, row in batch.attributes.items()} == {("freezer-1", "codes", RECEIVED): '["P0300"]'}
    assert {key: row.value for key, row in batch.events.items()} == {
        ("freezer-1", "DripTrayFull", RECEIVED): '{"level": 1}'
    }
    assert [(letter.reason, json.loads(letter.payload)) for letter in letters(batch)] == [
        (Reason.CONFLICT, {"ts": MILLIS, "values": {"codes": "none"}}),
        (Reason.CONFLICT, {"ts": MILLIS, "name": "DripTrayFull", "data": {"level": 2}}),
    ]


def test_a_touched_device_knows_its_oldest_and_newest_instant_and_when_the_newest_came() -> None:
    batch = build(
        telemetry({"door": 1}, ts=MILLIS - 5, received=RECEIVED),
        telemetry({"door": 1}, ts=MILLIS, received=RECEIVED + 1),
        telemetry({"door": 1}, ts=MILLIS - 9, received=RECEIVED + 2),
        telemetry({"unknown": 1}, device="freezer-2"),
    )
    assert batch.touched == {"freezer-1": Touched(RECEIVED - 9000, RECEIVED, RECEIVED + 1)}


def test_a_status_is_kept_with_whose_device_it_is() -> None:
    batch = build(Message("iot/v1/freezer-1/status", b"online", RECEIVED, retained=True))
    assert batch.statuses == [StatusChange("freezer-1", "anna", True, RECEIVED)]
    assert batch.touched == {}


def test_the_newest_own_marker_counts_and_no_foreign_one() -> None:
    batch = build(
        Message("iot/v1/$ingest/1", write_marker("0af3", 10), RECEIVED),
        Message("iot/v1/$ingest/1", write_marker("0af3", 20), RECEIVED),
        Message("iot/v1/$ingest/2", write_marker("bbbb", 30), RECEIVED),
    )
    assert batch.caught_up == {"1": 20}
    assert len(batch.letters) == 0


def test_a_command_is_ours_and_neither_stored_nor_a_dead_letter() -> None:
    batch = build(Message("iot/v1/freezer-1/command", b'{"id": "1"}', RECEIVED))
    assert (len(batch.letters), batch.events) == (0, {})


@pytest.mark.parametrize(
    ("message", "reason", "device_id"),
    [
        (Message("iot/v1/freezer-1/config", b"{}", RECEIVED), Reason.UNKNOWN_TOPIC, None),
        (telemetry({"door": 1}, device="stranger"), Reason.UNKNOWN_DEVICE, "stranger"),
        (telemetry({"door": 1}, device="robot-1"), Reason.UNKNOWN_PRODUCT, "robot-1"),
        (telemetry({"window": 1}), Reason.UNKNOWN_METRIC, "freezer-1"),
        (Message("iot/v1/freezer-1/status", b"asleep", RECEIVED), Reason.WRONG_SHAPE, "freezer-1"),
        (Message("iot/v1/freezer-1/event", b"asleep", RECEIVED), Reason.NOT_JSON, "freezer-1"),
        (Message("iot/v1/freezer-1/command/ack", b"{}", RECEIVED), Reason.WRONG_SHAPE, "freezer-1"),
    ],
)
def test_what_is_not_understood_is_a_dead_letter_with_its_reason(
    message: Message, reason: Reason, device_id: str | None
) -> None:
    batch = build(message)
    (letter,) = letters(batch)
    assert (letter.reason, letter.device_id, letter.topic, letter.received) == (
        reason,
        device_id,
        message.topic,
        RECEIVED,
    )
    assert not any([batch.readings, batch.attributes, batch.events, batch.statuses, batch.touched])


def test_the_devices_to_look_up_are_those_of_topics_that_we_understand() -> None:
    messages = [
        telemetry({}, device="a"),
        Message("iot/v1/b/status", b"", RECEIVED),
        Message("iot/v1/c/config", b"", RECEIVED),
        Message("iot/v1/$ingest/1", b"", RECEIVED),
    ]
    assert addresses(messages, {}) == {"a", "b"}


levels = st.sampled_from(["freezer-1", "stranger", "robot-1", "$ingest"])
kinds = st.sampled_from(["telemetry", "event", "status", "command/ack", "config"])
payloads = st.one_of(
    st.binary(max_size=50),
    st.sampled_from([b"online", b"offline", b'{"name": "x"}', b'{"id": 1, "ok": true}', b'{"values": {"door": 1}}']),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(lambda a, b, p: (f"iot/v1/{a}/{b}", p), levels, kinds, payloads), max_size=5))
def test_no_message_is_passed_over_in_silence(sent: list[tuple[str, bytes]]) -> None:
    for number, (topic, payload) in enumerate(sent):
        batch = build(Message(topic, payload, RECEIVED + number))
        outcome: list[Any] = [
            batch.readings,
            batch.attributes,
            batch.events,
            batch.statuses,
            list(batch.letters.buckets()),
        ]
        assert any(outcome) or topic.startswith("iot/v1/$ingest/")
