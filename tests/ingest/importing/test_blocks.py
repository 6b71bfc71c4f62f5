"""Bytes in pieces of whole lines."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.importing.blocks import Block, read_blocks
from iot_service.ingest.limits import PAYLOAD_BYTES


def blocks(data: bytes, *, size: int = 8) -> list[Block]:
    return list(read_blocks(io.BytesIO(data), 0, size=size))


def test_each_block_ends_with_a_line_and_knows_where() -> None:
    assert blocks(b"one\ntwo\nthree\nfour") == [
        Block(b"one\ntwo\n", 8), Block(b"three\n", 14), Block(b"four", 18),
    ]  # fmt: skip


@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=9))
def test_all_lines_come_out_as_they_went_in(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    found = blocks(data, size=30)
    joined = b"".join(block.data for block in found)
    assert joined == data.removeprefix(b"\xef\xbb\xbf")
    assert all(block.data.endswith(b"\n") for block in found[:-1])


@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=9))
def test_reading_goes_on_at_the_end_of_any_block(lines: list[bytes]) -> None:
    stream = io.BytesIO(b"x" + b"\n".join(lines))
    found = list(read_blocks(stream, 0, size=20))
    for place, block in enumerate(found):
        stream.seek(block.end)
        rest = b"".join(later.data for later in read_blocks(stream, block.end, size=20))
        assert rest == b"".join(later.data for later in found[place + 1 :])


def test_a_mark_of_the_byte_order_and_carriage_returns_are_taken_away() -> None:
    assert blocks(b"\xef\xbb\xbfa\r\nb\r\n", size=100) == [Block(b"a\nb\n", 9)]


def test_a_line_without_end_takes_no_memory() -> None:
    endless = b"x" * (3 * PAYLOAD_BYTES) + b"\nnext\n"
    found = blocks(endless, size=PAYLOAD_BYTES // 4)
    joined = b"".join(block.data for block in found)
    assert joined == b"x" * (PAYLOAD_BYTES + 1) + b"\nnext\n" or len(joined.split(b"\n")[0]) <= PAYLOAD_BYTES + 1
    assert joined.endswith(b"\nnext\n")
    assert found[-1].end == len(endless)
