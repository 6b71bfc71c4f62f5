"""A stream of bytes in pieces of whole lines, with the place where each ends; memory is bounded whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from iot_service.ingest.limits import PAYLOAD_BYTES

_BLOCK = 2 * 1024 * 1024  # bytes: some ten thousand readings, one transaction
_BOM = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole lines, and the position in the stream (bytes from its beginning) after them."""

    data: bytes
    end: int


def read_blocks(stream: BinaryIO, position: int, *, size: int = _BLOCK) -> Iterator[Block]:
    """Yield the lines of ``stream``, which stands at ``position`` (bytes from its start), some ``size`` bytes at once.

    Line ends are a line feed, with or without a carriage return, which is taken away; so is a mark of the order of
    bytes at the very beginning. A line that is longer than ``size`` is cut to one byte more than a payload may have.
    """
    rest = b""
    first = position == 0
    cutting = False
    while data := stream.read(size):
        if first:
            first, data, position = False, data.removeprefix(_BOM), position + (len(_BOM) if data[:3] == _BOM else 0)
        position += len(data)
        if cutting:
            place = data.find(b"\n")
            if place < 0:
                continue
            data, cutting = data[place:], False
        place = data.rfind(b"\n") + 1
        if place:
            yield Block(_plain(rest + data[:place]), position - len(data) + place)
            rest = data[place:]
        else:
            rest += data
            if len(rest) > size:
                rest, cutting = rest[: PAYLOAD_BYTES + 1], True
    if rest:
        yield Block(_plain(rest), position)


def _plain(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data
