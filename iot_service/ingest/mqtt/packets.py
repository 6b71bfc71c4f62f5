"""PUBLISH packets cut out of a stream of bytes, as MQTT 3.1.1 and 5 lay them out (section 3.3 of either standard).

A client library spends most of its time on them, packet by packet; here some hundred cost as much as ten there. Every
other kind of packet is left to the library.
"""

from __future__ import annotations

from typing import NamedTuple

_PUBLISH = 3
_MOST_LENGTH_BYTES = 4


class Publish(NamedTuple):
    """One message: its topic (bytes of UTF-8), its payload, its packet identifier (0 at QoS 0), if it is retained."""

    topic: bytes
    payload: bytes
    mid: int
    retained: bool


def split_publishes(data: bytes, at: int, *, properties: bool) -> tuple[list[Publish], int]:
    """Return the PUBLISH packets of QoS 0 and 1 that stand in ``data`` from ``at`` on, and where they end.

    They end at the end of the data, at a packet that is not complete yet, or at one of another kind (or one that is
    malformed), which the client library is to read. ``properties`` says that the connection speaks MQTT 5.
    """
    found: list[Publish] = []
    append = found.append
    end_of_data = len(data)
    while at + 2 <= end_of_data:
        first = data[at]
        if first >> 4 != _PUBLISH or first & 0b100:
            break
        place = at + 1
        length = data[place]
        place += 1
        if length & 0x80:
            longer = _length(data, at + 1, end_of_data)
            if longer is None:
                break
            length, place = longer
        end = place + length
        if end > end_of_data:
            break
        topic_end = place + 2 + (data[place] << 8 | data[place + 1]) if length >= 2 else end + 1
        body = topic_end
        mid = 0
        if first & 0b10:
            body += 2
            if body > end:
                break
            mid = data[topic_end] << 8 | data[topic_end + 1]
        if properties:
            if body >= end:
                break
            skip = data[body]
            body += 1
            if skip & 0x80:
                longer = _length(data, body - 1, end)
                if longer is None:
                    break
                skip, body = longer
            body += skip
        if body > end:
            break
        append(Publish(data[place + 2 : topic_end], data[body:end], mid, bool(first & 1)))
        at = end
    return found, at


def is_publish(data: bytes, at: int) -> bool:
    """Return whether a PUBLISH packet that :func:`split_publishes` would take begins at ``at``, perhaps incomplete."""
    return at < len(data) and data[at] >> 4 == _PUBLISH and not data[at] & 0b100 and not _is_malformed(data, at)


def _is_malformed(data: bytes, at: int) -> bool:
    """Return whether all bytes of the packet at ``at`` are there, so that waiting for more would not help."""
    longer = _length(data, at + 1, len(data))
    if longer is None:
        return len(data) - at > _MOST_LENGTH_BYTES
    length, place = longer
    return place + length <= len(data)


def _length(data: bytes, place: int, end: int) -> tuple[int, int] | None:
    """Return the variable byte integer at ``place`` and where it ends, None when it does not end before ``end``."""
    value, shift = 0, 0
    for index in range(place, min(place + _MOST_LENGTH_BYTES, end)):
        value |= (data[index] & 0x7F) << shift
        if not data[index] & 0x80:
            return value, index + 1
        shift += 7
    return None
