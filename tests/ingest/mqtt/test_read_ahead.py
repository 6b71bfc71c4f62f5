"""The socket that reads ahead."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from iot_service.ingest.buffered_socket import BufferedSocket


@pytest.fixture
def pair() -> Iterator[tuple[BufferedSocket, socket.socket]]:
    near, far = socket.socketpair()
    buffered = BufferedSocket(near)
    buffered.setblocking(False)
    yield buffered, far
    buffered.close()
    far.close()


def test_bytes_come_in_order_whatever_sizes_they_are_asked_for_in(pair: tuple[BufferedSocket, socket.socket]) -> None:
    near, far = pair
    sent = bytes(range(256)) * 40
    far.sendall(sent)
    found = b""
    for size in [1, 1, 100, 5000, 1, 70_000]:
        found += near.recv(size)
        assert near.pending() == len(sent) - len(found)
    assert found == sent


def test_nothing_to_read_and_the_end_are_told_apart(pair: tuple[BufferedSocket, socket.socket]) -> None:
    near, far = pair
    with pytest.raises(BlockingIOError):
        near.recv(1)
    far.sendall(b"ab")
    far.close()
    assert [near.recv(1), near.recv(5), near.recv(1)] == [b"a", b"b", b""]


def test_what_is_sent_arrives(pair: tuple[BufferedSocket, socket.socket]) -> None:
    near, far = pair
    assert near.send(b"hello") == 5
    assert far.recv(10) == b"hello"
    assert near.fileno() > 0
