from __future__ import annotations

from datetime import UTC, datetime

from simulators.message import Message, cut_to_milliseconds, device_event, telemetry

AT = datetime(2026, 5, 4, 12, 0, 0, 250_999, tzinfo=UTC)


def test_telemetry_carries_its_time_in_milliseconds_and_its_values() -> None:
    message = telemetry(AT, {"temperature": -70.2, "door": 0})
    assert message.topic("freezer-1") == "iot/v1/freezer-1/telemetry"
    assert message.body() == b'{"ts":1777896000250,"values":{"temperature":-70.2,"door":0}}'


def test_an_event_carries_name_and_data() -> None:
    message = device_event(AT, "DripTrayFull")
    assert message.topic("coffee-1") == "iot/v1/coffee-1/event"
    assert message.body() == b'{"ts":1777896000250,"name":"DripTrayFull","data":{}}'


def test_bytes_go_out_as_they_stand_and_a_device_may_speak_as_another_one() -> None:
    message = Message(AT, "telemetry", b"\xff", device_id="stranger")
    assert message.body() == b"\xff"
    assert message.topic("freezer-1") == "iot/v1/stranger/telemetry"


def test_cutting_to_milliseconds_never_goes_forward() -> None:
    assert cut_to_milliseconds(AT) == datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC)
