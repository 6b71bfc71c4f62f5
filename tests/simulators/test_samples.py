from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iot_service.model.reading import SampleKind
from simulators.message import Message, device_event, telemetry
from simulators.samples import to_samples

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)


def test_numbers_and_booleans_are_readings_and_texts_and_lists_attributes() -> None:
    samples = list(
        to_samples([telemetry(AT, {"speed": 50, "door": True, "firmware": "1.2", "trouble_codes": ["P0300"]})])
    )
    assert [(s.kind, s.name, s.value) for s in samples] == [
        (SampleKind.READING, "speed", 50.0),
        (SampleKind.READING, "door", 1.0),
        (SampleKind.ATTRIBUTE, "firmware", "1.2"),
        (SampleKind.ATTRIBUTE, "trouble_codes", ("P0300",)),
    ]
    assert {s.ts for s in samples} == {s.received_at for s in samples} == {AT}


def test_an_event_has_its_data_as_json_text() -> None:
    (sample,) = to_samples([device_event(AT, "DripTrayFull", {"cups": 3})])
    assert (sample.kind, sample.name, sample.value) == (SampleKind.EVENT, "DripTrayFull", '{"cups": 3}')


def test_in_a_burst_messages_are_received_one_after_the_other() -> None:
    samples = list(to_samples([telemetry(AT, {"a": 1, "b": 2}), telemetry(AT, {"c": 3})], received_from=LATER))
    assert [s.received_at - LATER for s in samples] == [timedelta(0), timedelta(0), timedelta(microseconds=1)]


def test_names_of_standards_become_flat_names() -> None:
    (sample,) = to_samples([telemetry(AT, {"Vehicle.Speed": 50.0})], names={"Vehicle.Speed": "speed"})
    assert sample.name == "speed"


def test_what_is_neither_telemetry_nor_event_is_left_out() -> None:
    assert list(to_samples([Message(AT, "status", b"online")])) == []
