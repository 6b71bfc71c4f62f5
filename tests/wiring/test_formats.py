"""What the commands about formats say."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.config import Settings, load_settings
from iot_service.errors import StopError
from iot_service.wiring.formats import list_formats, try_message


def settings(formats: str = "", **over: object) -> Settings:
    return load_settings(formats=formats, **over)


def test_formats_are_listed_with_what_the_broker_must_grant() -> None:
    assert list_formats(settings("tasmota,sparkplug")).splitlines() == [
        "always on: the JSON of the contract and SenML, on iot/v1/{device}/telemetry",
        "tasmota: on; the broker grants",
        "    topic read tele/+/SENSOR",
        "    topic read tele/+/LWT",
        "    pattern write tele/%u/SENSOR",
        "    pattern write tele/%u/LWT",
        "sparkplug: on; see docs/sparkplug.md",
        "off: home_connect, shelly, thingsboard, zigbee2mqtt",
    ]


def test_a_message_is_tried_as_if_it_had_come() -> None:
    payload = """{"Time": "2026-01-01T00:00:00", "DS18B20": {"Temperature": -4}, "Switch1": "ajar"}"""
    now = settings("tasmota", retention="36500d")
    report = try_message(now, "tele/freezer-1/SENSOR", payload, product="freezer")
    assert report.text.splitlines() == [
        "device freezer-1",
        "  2026-01-01T00:00:00.000Z temperature = -4",
        "dead letter wrong_type: tasmota: Switch1 is 'ajar'; its map knows true or ON, false or OFF",
    ]
    assert not report.passed


def test_the_time_of_receipt_is_told_from_that_of_the_device() -> None:
    report = try_message(settings("zigbee2mqtt"), "zigbee2mqtt/a", '{"voltage": 3000}', product="freezer")
    assert report.text.endswith(" battery = 3 (time of receipt)")
    assert report.passed


def test_events_states_and_messages_of_no_interest_are_shown() -> None:
    both = settings("home_connect,shelly")
    event = try_message(both, "homeconnect/c/state", '{"DripTrayFull": "Present"}', product="coffee_machine")
    assert event.text.endswith(" event DripTrayFull {}")
    assert try_message(both, "shelly1/online", "true", product="car").text == "device shelly1\n  is online"
    assert try_message(both, "shelly1/events/rpc", "{}", product="car").text == "device shelly1"


def test_a_message_of_the_contract_is_tried_as_well() -> None:
    report = try_message(settings(), "iot/v1/f/telemetry", '{"values": {"door": 1}}', product="freezer")
    assert report.text.splitlines()[0] == "device f"
    assert " door = 1 " in report.text
    assert report.passed


@pytest.mark.parametrize(
    ("topic", "product", "words"),
    [
        ("foo/bar", "freezer", "foo/bar is no topic of a format that is on; the topics are iot/v1"),
        ("shelly1/online", "freezr", "--product freezr: there is no such product; did you mean 'freezer'"),
    ],
)
def test_what_does_not_exist_is_said(topic: str, product: str, words: str) -> None:
    with pytest.raises(StopError, match=words.replace("+", r"\+")):
        try_message(settings("shelly"), topic, "true", product=product)


def test_errors_in_files_of_sources_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n", encoding="utf-8")
    with pytest.raises(StopError, match="messages: is missing"):
        list_formats(settings(sources_dir=tmp_path))
