"""The bounded queue between network and database."""

from __future__ import annotations

import threading
import time

from iot_service.ingest.buffer import Buffer
from iot_service.ingest.source import Message


def message(number: int, size: int = 1) -> Message:
    return Message("iot/v1/freezer-1/telemetry", b"x" * size, number)


def numbers(messages: list[Message]) -> list[int]:
    return [message.received for message in messages]


def test_messages_leave_in_the_order_they_came() -> None:
    buffer = Buffer(10)
    for number in range(5):
        assert buffer.put_all([message(number)])
    assert numbers(buffer.take(3, timeout=0, linger=0)) == [0, 1, 2]
    assert numbers(buffer.take(3, timeout=0, linger=0)) == [3, 4]
    assert buffer.take(3, timeout=0, linger=0) == []


def test_taking_waits_for_the_first_message_and_lingers_for_more() -> None:
    buffer = Buffer(10)

    def put_slowly() -> None:
        for number in range(2):
            time.sleep(0.02)
            buffer.put_all([message(number)])

    thread = threading.Thread(target=put_slowly)
    thread.start()
    assert numbers(buffer.take(10, timeout=5, linger=0.3)) == [0, 1]
    thread.join()


def test_taking_does_not_linger_once_there_is_enough() -> None:
    buffer = Buffer(3)
    for number in range(3):
        buffer.put_all([message(number)])
    started = time.monotonic()
    assert len(buffer.take(2, timeout=5, linger=5)) == 2
    buffer.put_all([message(9)])
    assert len(buffer.take(2, timeout=5, linger=5)) == 2
    assert time.monotonic() - started < 2


def test_putting_waits_while_the_buffer_is_full() -> None:
    buffer = Buffer(2)
    came: list[int] = []

    def put_all() -> None:
        for number in range(6):
            if buffer.put_all([message(number)]):
                came.append(number)

    thread = threading.Thread(target=put_all)
    thread.start()
    time.sleep(0.1)
    assert came == [0, 1]
    assert buffer.is_full
    taken: list[int] = []
    while len(taken) < 6:
        taken += numbers(buffer.take(10, timeout=1, linger=0))
    thread.join()
    assert taken == [0, 1, 2, 3, 4, 5]


def test_a_buffer_of_few_large_messages_is_full_as_well() -> None:
    buffer = Buffer(1_000_000)
    for number in range(64):
        assert not buffer.is_full
        buffer.put_all([message(number, 1024 * 1024)])
    assert buffer.is_full
    assert len(buffer.take(1000, timeout=0, linger=0)) == 4  # 4 MB in one batch
    assert not buffer.is_full


def test_a_closed_buffer_takes_nothing_more_and_lets_go_who_waits() -> None:
    buffer = Buffer(1)
    buffer.put_all([message(1)])
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(buffer.put_all([message(2)])))
    thread.start()
    buffer.close()
    thread.join(5)
    assert results == [False]
    assert numbers(buffer.take(10, timeout=0, linger=0)) == [1]
