"""The socket that reads ahead."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from iot_service.ingest.mqtt.read_ahead import ReadAhead


@pytest.fixture
def pair() -> Iterator[tuple[ReadAhead, socket.socket]]:
    near, far = socket.socketpair()
    buffered = ReadAhead(near)
    buffered.setblocking(False)
    yield buffered, far
    buffered.close()
    far.close()


def test_bytes_come_in_order_whatever_was_read_ahead(pair: tuple[ReadAhead, socket.socket]) -> None:
    near, far = pair
    sent = bytes(range(256)) * 40
    far.sendall(sent[:5000])
    assert near.fill()
    found = near.recv(1) + near.recv(1) + near.recv(100)
    far.sendall(sent[5000:])
    assert near.fill()
    assert near.ahead[near.at :] == sent[102:]
    while len(found) < len(sent):
        found += near.recv(4000)
    assert found == sent


def test_nothing_to_read_and_the_end_are_told_apart(pair: tuple[ReadAhead, socket.socket]) -> None:
    near, far = pair
    assert [near.fill(), near.ended] == [False, False]
    with pytest.raises(BlockingIOError):
        near.recv(1)
    far.sendall(b"ab")
    far.close()
    assert [near.fill(), near.fill()] == [True, False]
    assert near.ended
    assert [near.recv(1), near.recv(5), near.recv(1)] == [b"a", b"b", b""]


def test_what_is_sent_arrives(pair: tuple[ReadAhead, socket.socket]) -> None:
    near, far = pair
    assert near.send(b"hello") == 5
    assert far.recv(10) == b"hello"
    assert near.fileno() > 0
    assert near.pending() == 0
