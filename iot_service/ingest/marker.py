"""The marker: a message that ingest sends to itself, to know up to when it has stored what the broker had.

It carries the time it was sent at. Messages of one client come in order, so when the marker's batch is committed,
everything that the broker had taken for us before that time is stored. Without a connection no marker is sent, so the
time that is vouched for stands still.
"""

from __future__ import annotations

import re

_PAYLOAD = re.compile(rb"([0-9a-f]{1,64}) (\d{1,18})")


def write_marker(sender: str, sent: int) -> bytes:
    """Return the payload of a marker sent at ``sent`` (microseconds since 1970 UTC); ``sender`` is a hex token."""
    return f"{sender} {sent}".encode()


def read_marker(payload: bytes, sender: str) -> int | None:
    """Return when the marker was sent (microseconds since 1970 UTC), or None when it is not of ``sender``.

    A marker of an earlier life of this process, or one that somebody made up, vouches for nothing.
    """
    found = _PAYLOAD.fullmatch(payload)
    return int(found[2]) if found and found[1].decode() == sender else None
