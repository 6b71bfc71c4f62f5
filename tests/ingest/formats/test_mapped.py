"""Devices that speak their own JSON, read as the file of their source says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.formats.mapped import MappedSource
from iot_service.ingest.formats.source_spec import SourceSpec
from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Entry, Occurrence, Sent
from iot_service.ingest.source import Message
from tests.ingest.examples import MILLIS, RECEIVED

SOURCE = """\
name: example
messages:
  - topic: tele/{device}/SENSOR
    time: {path: Time, zone: Europe/Oslo}
    values:
      AM2301.Temperature: {metric: temperature, unit: degC}
      probes[1].t: {metric: temperature, unit: degF}
      '["a.b"]': {metric: ambient}
      Switch: {metric: door, map: {ON: 1, OFF: 0, 2: 0.5}}
      Version: {attribute: firmware}
      Mode: {attribute: mode, map: {0: idle, 1: busy}}
      Power: [{metric: power, unit: W}, {attribute: power_text}]
      Lid: {event: LidOpened, when: [open, 1, yes]}
  - topic: tele/{device}/LWT
    online: {path: "", map: {Online: true, Offline: false}}
  - topic: plain/{device}/temperature
    values:
      "": {metric: temperature, unit: degC}
  - topic: gateway/+/up
    device: meta.serial
    time: {path: meta.at, format: seconds}
    optional: true
    values: {v: {metric: temperature}}
    online: {path: meta.up, map: {true: true, false: false}}
"""


def source(text: str = SOURCE) -> MappedSource:
    return MappedSource(SourceSpec.model_validate(yaml.safe_load(text)))


def read(topic: str, document: Any, example: MappedSource | None = None) -> Sent:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    (sent,) = (example or source()).read(Message(topic, payload, RECEIVED))
    return sent


def sensor(**values: Any) -> Sent:
    return read("tele/freezer-1/SENSOR", values)


def test_paths_lead_to_metrics_with_their_units() -> None:
    sent = sensor(**{"AM2301": {"Temperature": -70.1, "Humidity": 5}, "a.b": 21})
    assert sent == Sent(
        "freezer-1", [Entry(None, {"temperature": -70.1, "ambient": 21}, {"temperature": "degC"})], occurrences=[]
    )


def test_values_are_what_the_map_says_with_and_without_the_quotes_that_yaml_wants() -> None:
    for word, number in (("ON", 1.0), ("OFF", 0.0), (True, 1.0), ("on", 1.0), (2, 0.5), (2.0, 0.5), (7, 7)):
        assert sensor(Switch=word).entries == [Entry(None, {"door": number})]
    assert sensor(Mode=1).entries == [Entry(None, {"mode": "busy"})]


def test_numbers_may_come_as_texts_and_attributes_as_numbers() -> None:
    assert sensor(AM2301={"Temperature": " -70.5 "}).entries == [
        Entry(None, {"temperature": -70.5}, {"temperature": "degC"})
    ]
    assert sensor(Version=2.0).entries == [Entry(None, {"firmware": "2"})]
    assert sensor(Version="2.0").entries == [Entry(None, {"firmware": "2.0"})]


def test_one_value_may_mean_two_things() -> None:
    assert sensor(Power=5).entries == [Entry(None, {"power": 5, "power_text": "5"}, {"power": "W"})]


def test_two_paths_to_one_metric_do_not_replace_each_other() -> None:
    sent = sensor(AM2301={"Temperature": 1}, probes=[{}, {"t": 212}])
    assert sent.entries == [
        Entry(None, {"temperature": 1}, {"temperature": "degC"}),
        Entry(None, {"temperature": 212}, {"temperature": "degF"}),
    ]


def test_events_happen_when_a_message_says_one_of_their_words() -> None:
    assert sensor(Lid="open", Time="2026-11-21T13:00:00").occurrences == [Occurrence("LidOpened", MILLIS, {})]
    assert sensor(Lid=True).occurrences == [Occurrence("LidOpened", None, {})]
    closed = sensor(Lid="closed")
    assert (closed.occurrences, closed.entries, closed.faults) == ([], [], [])


@pytest.mark.parametrize(
    ("time", "form", "sent"),
    [
        ("2026-11-21T13:00:00", "iso", "2026-11-21T13:00:00"),
        ("with an offset", "iso", "2026-11-21T12:00:00Z"),
        ("with another offset", "iso", "2026-11-21T14:00:00+02:00"),
        ("a form of its own", "'%d.%m.%Y %H:%M:%S'", "21.11.2026 13:00:00"),
        ("a form with an offset", "'%d.%m.%Y %H:%M %z'", "21.11.2026 12:00 +0000"),
        ("seconds", "seconds", MILLIS / 1000),
        ("seconds as text", "seconds", str(MILLIS // 1000)),
        ("milliseconds", "milliseconds", MILLIS),
    ],
)
def test_the_time_is_read_in_its_format_and_zone(time: str, form: str, sent: object) -> None:
    text = SOURCE.replace("{path: Time, zone", f"{{path: Time, format: {form}, zone")
    found = read("tele/freezer-1/SENSOR", {"Time": sent, "AM2301": {"Temperature": 1}}, source(text))
    assert [entry.ts for entry in found.entries] == [MILLIS]


@pytest.mark.parametrize(
    ("form", "sent", "words"),
    [
        ("iso", "yesterday", "Time, the time, is 'yesterday'; send a time as 2026-11-21T12:00:00"),
        ("iso", 5, "send a time as 2026"),
        ("'%d.%m.%Y'", "2026", "send a time as %d.%m.%Y"),
        ("seconds", "soon", "send a time as seconds"),
        ("seconds", "inf", "send a time as seconds"),
        ("seconds", True, "send a time as seconds"),
        ("milliseconds", [1], "send a time as milliseconds"),
        ("iso", "0001-01-01T00:00:00+23:00", None),
    ],
)
def test_a_time_that_cannot_be_read_is_a_fault_of_the_whole_message(form: str, sent: object, words: str | None) -> None:
    text = SOURCE.replace("{path: Time, zone", f"{{path: Time, format: {form}, zone")
    found = read("tele/freezer-1/SENSOR", {"Time": sent, "AM2301": {"Temperature": 1}}, source(text))
    if words is None:
        assert found.entries or found.faults
        return
    assert found.entries == ()
    (fault,) = found.faults
    assert (fault.reason, fault.part) == (Reason.WRONG_TYPE, None)
    assert words in fault.detail


def test_a_device_is_online_and_offline_by_plain_words() -> None:
    assert read("tele/f/LWT", b"Online") == Sent("f", [], [], online=True)
    assert read("tele/f/LWT", b"Offline\n").online is False


def test_a_plain_payload_is_a_value() -> None:
    for payload in (b"22.5", b" 22.5\n", b'"22.5"'):
        assert read("plain/f/temperature", payload).entries == [
            Entry(None, {"temperature": 22.5}, {"temperature": "degC"})
        ]


def test_a_device_may_be_named_in_the_payload() -> None:
    assert read("gateway/7/up", {"meta": {"serial": 17, "at": MILLIS // 1000, "up": True}, "v": 1}) == Sent(
        "17", [Entry(MILLIS, {"temperature": 1})], [], online=True
    )


def test_null_and_what_is_not_mapped_is_passed_over() -> None:
    sent = sensor(AM2301={"Temperature": None}, **{"a.b": 1, "other": "x"})
    assert (sent.entries, sent.faults) == ([Entry(None, {"ambient": 1})], [])
    assert sensor(Time=None, Switch="ON").entries == [Entry(None, {"door": 1.0})]


def test_a_bad_value_is_a_fault_alone_that_can_be_sent_again() -> None:
    sent = sensor(AM2301={"Temperature": "warm"}, Switch="ajar", Time="2026-11-21T13:00:00", **{"a.b": 1})
    assert sent.entries == [Entry(MILLIS, {"ambient": 1})]
    assert [(fault.reason, fault.detail) for fault in sent.faults] == [
        (
            Reason.WRONG_TYPE,
            "example: AM2301.Temperature is 'warm'; send a number, or give the value a map",
        ),
        (Reason.WRONG_TYPE, "example: Switch is 'ajar'; its map knows 2, true or ON, false or OFF"),
    ]  # fmt: skip
    assert [fault.part for fault in sent.faults] == [
        {"AM2301": {"Temperature": "warm"}, "Time": "2026-11-21T13:00:00"},
        {"Switch": "ajar", "Time": "2026-11-21T13:00:00"},
    ]


@pytest.mark.parametrize(
    ("topic", "document", "reason", "words"),
    [
        ("tele/f/SENSOR", b"rubbish", Reason.NOT_JSON, "example: not JSON"),
        (
            "tele/f/SENSOR",
            {},
            Reason.UNKNOWN_METRIC,
            "none of these is in the message: AM2301.Temperature, probes[1].t",
        ),
        ("tele/f/SENSOR", [1], Reason.UNKNOWN_METRIC, "none of these"),
        ("tele/f/LWT", b"gone", Reason.WRONG_SHAPE, "the payload is 'gone'; the map of online knows Online, Offline"),
        ("tele/f/LWT", b"\xff", Reason.NOT_JSON, "byte 0 is not UTF-8; send a number or a word"),
        ("tele//SENSOR", {"a.b": 1}, Reason.UNKNOWN_DEVICE, "a name has 1 to 200 characters"),
        ("plain/f/temperature", b"warm", Reason.WRONG_TYPE, "the payload is 'warm'; send a number"),
        ("gateway/7/up", {"v": 1}, Reason.WRONG_SHAPE, "meta.serial, which names the device, is missing"),
        ("gateway/7/up", {"meta": {"serial": [1]}}, Reason.WRONG_SHAPE, "is [1], no text"),
        ("gateway/7/up", {"meta": {"serial": "a\0"}}, Reason.UNKNOWN_DEVICE, "none of them NUL"),
        ("nothing/here", {}, Reason.UNKNOWN_TOPIC, "example has no topic nothing/here"),
    ],
)
def test_what_cannot_be_read_is_a_fault_that_says_what_would_be_right(
    topic: str, document: Any, reason: Reason, words: str
) -> None:
    (fault,) = read(topic, document).faults
    assert fault.reason is reason
    assert words in fault.detail


def test_an_optional_message_may_hold_nothing_of_interest() -> None:
    assert read("gateway/7/up", {"meta": {"serial": "a"}, "other": 1}) == Sent("a", [], [])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["AM2301", "Temperature", "Time", "meta"]), inner)
    ),
    max_leaves=8,
)
topics = st.sampled_from(["tele/f/SENSOR", "tele/f/LWT", "plain/f/temperature", "gateway/7/up"])


@given(topics, anything | st.binary(max_size=20))
def test_whatever_a_device_sends_something_comes_of_it(topic: str, document: Any) -> None:
    sent = read(topic, document)
    assert sent.entries or sent.occurrences or sent.faults or sent.online is not None or topic == "gateway/7/up"
    json.dumps([fault.part for fault in sent.faults])
