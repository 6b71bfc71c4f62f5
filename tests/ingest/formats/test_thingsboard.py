"""The gateway API of ThingsBoard."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.formats.thingsboard import ThingsBoard
from iot_service.ingest.formats.topicfilters import catches
from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Entry, Sent
from iot_service.ingest.source import Message
from tests.ingest.examples import MILLIS, RECEIVED


def read(topic: str, document: Any) -> list[Sent]:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert any(catches(topic_filter, topic) for topic_filter in ThingsBoard.filters)
    return ThingsBoard().read(Message(topic, payload, RECEIVED))


def test_telemetry_is_of_several_devices_at_several_times() -> None:
    first, second = read(
        "v1/gateway/telemetry",
        {
            "Device A": [
                {"ts": MILLIS, "values": {"temperature": 42, "label": "x"}},
                {"ts": MILLIS + 1, "values": {"temperature": 43}},
            ],
            "Device B": [{"ts": MILLIS, "values": {"door": True}}],
        },
    )
    assert first == Sent(
        "Device A", [Entry(MILLIS, {"temperature": 42, "label": "x"}), Entry(MILLIS + 1, {"temperature": 43})]
    )
    assert second == Sent("Device B", [Entry(MILLIS, {"door": True})])


def test_values_without_a_time_are_of_now() -> None:
    plain = read("v1/gateway/telemetry", {"A": [{"temperature": 42}]})
    assert plain == read("v1/gateway/telemetry", {"A": {"temperature": 42}})
    assert plain == read("v1/gateway/telemetry", {"A": [{"values": {"temperature": 42}}]})
    assert plain == [Sent("A", [Entry(None, {"temperature": 42})])]


def test_attributes_are_values_of_now() -> None:
    assert read("v1/gateway/attributes", {"A": {"firmware": "1.2", "setpoint": -70}}) == [
        Sent("A", [Entry(None, {"firmware": "1.2", "setpoint": -70})])
    ]


@pytest.mark.parametrize(("topic", "online"), [("v1/gateway/connect", True), ("v1/gateway/disconnect", False)])
def test_devices_connect_and_disconnect(topic: str, online: bool) -> None:
    assert read(topic, {"device": "Device A", "type": "default"}) == [Sent("Device A", online=online)]


@pytest.mark.parametrize(
    ("topic", "document", "reason", "words"),
    [
        ("v1/gateway/telemetry", b"rubbish", Reason.NOT_JSON, "not JSON"),
        ("v1/gateway/telemetry", [1], Reason.WRONG_SHAPE, 'names no device; send {"DEVICE": [{"ts"'),
        ("v1/gateway/telemetry", {}, Reason.WRONG_SHAPE, "{} names no device"),
        ("v1/gateway/telemetry", {"A": []}, Reason.WRONG_SHAPE, "A: [] holds no values; send"),
        ("v1/gateway/telemetry", {"A": 5}, Reason.WRONG_SHAPE, "A: 5 holds no values; send"),
        ("v1/gateway/telemetry", {"A": [{"ts": 1, "values": 5}]}, Reason.WRONG_SHAPE, "A: values is 5; send"),
        ("v1/gateway/telemetry", {"A": [{"ts": 1, "values": {}}]}, Reason.WRONG_SHAPE, "A: values is {}; send"),
        ("v1/gateway/telemetry", {"A": [{"ts": "1", "values": {"a": 1}}]}, Reason.WRONG_TYPE, "A: ts is '1'; send"),
        ("v1/gateway/telemetry", {"A": [{"x": 1, "values": {"a": 1}}]}, Reason.UNKNOWN_FIELD, "A: 'x' beside ts and"),
        ("v1/gateway/telemetry", {"": [{"a": 1}]}, Reason.UNKNOWN_DEVICE, "a name has 1 to 200 characters"),
        ("v1/gateway/telemetry", {"a\0": [{"a": 1}]}, Reason.UNKNOWN_DEVICE, "none of them NUL"),
        ("v1/gateway/attributes", {"A": [1]}, Reason.WRONG_SHAPE, 'holds no values; send {"DEVICE": {name'),
        ("v1/gateway/connect", {"type": "x"}, Reason.WRONG_SHAPE, 'device is None; send {"device": name}'),
        ("v1/gateway/connect", {"device": "x" * 201}, Reason.UNKNOWN_DEVICE, "1 to 200"),
        ("v1/gateway/rpc", {"device": "A"}, Reason.UNKNOWN_TOPIC, "v1/gateway/rpc is not served"),
        ("v1/gateway/attributes/request", {"id": 1}, Reason.UNKNOWN_TOPIC, "there is telemetry, attributes, connect"),
        ("v1/devices/me/telemetry", {"a": 1}, Reason.UNKNOWN_TOPIC, "publish to iot/v1/{device}/telemetry"),
    ],
)
def test_what_cannot_be_read_is_a_fault_that_says_what_would_be_right(
    topic: str, document: Any, reason: Reason, words: str
) -> None:
    (sent,) = read(topic, document)
    assert sent.entries in ((), [])
    (fault,) = sent.faults
    assert fault.reason is reason
    assert words in fault.detail


def test_a_bad_part_leaves_the_good_ones_and_can_be_sent_again_alone() -> None:
    (sent, other) = read("v1/gateway/telemetry", {"A": [{"a": 1}, 5, {"b": 2}], "B": {"c": 3}})
    assert sent.entries == [Entry(None, {"a": 1}), Entry(None, {"b": 2})]
    assert [fault.part for fault in sent.faults] == [{"A": [5]}]
    assert other.entries == [Entry(None, {"c": 3})]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ts", "values", "device", "a"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["telemetry", "attributes", "connect", "rpc"]), anything | st.binary(max_size=30))
def test_whatever_a_gateway_sends_something_comes_of_it(topic: str, document: Any) -> None:
    for sent in read(f"v1/gateway/{topic}", document) or [Sent(None)]:
        assert sent.entries or sent.faults or sent.online is not None
