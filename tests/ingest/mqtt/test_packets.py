"""PUBLISH packets cut out of a stream, beside what paho's own writer makes of them."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.mqtt.packets import Publish, is_publish, split_publishes

MESSAGES = st.lists(
    st.builds(
        Publish,
        topic=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).map(str.encode),
        payload=st.binary(max_size=300),
        mid=st.integers(0, 65_535),
        retained=st.booleans(),
    ),
    max_size=8,
)
PING = b"\xd0\x00"


def varint(value: int) -> bytes:
    found = b""
    while True:
        value, digit = divmod(value, 128)
        found += bytes([digit | (0x80 if value else 0)])
        if not value:
            return found


def packet(message: Publish, *, properties: bytes | None) -> bytes:
    """As section 3.3 of the standards says; a message without an identifier is one of QoS 0."""
    body = struct.pack(">H", len(message.topic)) + message.topic
    if message.mid:
        body += struct.pack(">H", message.mid)
    if properties is not None:
        body += varint(len(properties)) + properties
    body += message.payload
    return bytes([0x30 | (2 if message.mid else 0) | message.retained]) + varint(len(body)) + body


@given(MESSAGES, st.one_of(st.none(), st.binary(max_size=200)), st.data())
def test_however_the_stream_is_cut_every_message_comes_out_once_and_in_order(
    messages: list[Publish], properties: bytes | None, data: st.DataObject
) -> None:
    stream = b"".join(packet(message, properties=properties) for message in messages)
    found: list[Publish] = []
    rest = b""
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        ahead, stream = rest + stream[:cut], stream[cut:]
        some, at = split_publishes(ahead, 0, properties=properties is not None)
        found += some
        rest = ahead[at:]
        assert not rest or len(rest) < 2 or is_publish(rest, 0)
    assert found == messages
    assert rest == b""


@given(MESSAGES, MESSAGES)
def test_it_stops_at_other_packets_and_goes_on_behind_them(before: list[Publish], after: list[Publish]) -> None:
    first = b"".join(packet(message, properties=b"") for message in before)
    second = b"".join(packet(message, properties=b"") for message in after)
    found, at = split_publishes(first + PING + second, 0, properties=True)
    assert (found, at) == (before, len(first))
    assert not is_publish(first + PING + second, at)
    assert split_publishes(first + PING + second, at + 2, properties=True)[0] == after


def test_a_message_of_qos_2_is_left_to_the_library() -> None:
    stream = bytes([0x34, 5]) + b"\x00\x01a\x00\x01"
    assert split_publishes(stream, 0, properties=False) == ([], 0)
    assert not is_publish(stream, 0)


@given(st.binary(max_size=60))
def test_rubbish_ends_the_search_and_is_never_waited_for_in_vain(rubbish: bytes) -> None:
    for properties in (False, True):
        found, at = split_publishes(rubbish, 0, properties=properties)
        assert 0 <= at <= len(rubbish)
        assert all(len(message.topic) + len(message.payload) <= len(rubbish) for message in found)


def test_a_packet_whose_lengths_contradict_each_other_is_left_to_the_library() -> None:
    stream = bytes([0x32, 4]) + b"\x00\x09ab"
    assert split_publishes(stream, 0, properties=True) == ([], 0)
    assert not is_publish(stream, 0)
