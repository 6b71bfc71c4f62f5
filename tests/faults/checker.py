"""What the database holds, compared with what the broker acknowledged: everything once, and the needs that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.faults.fleet import Sent

_METRICS = ("temperature", "ambient", "door", "power")
_SETTLE = timedelta(minutes=1)  # power_lost: for
_SILENT = timedelta(minutes=15)  # silent: absent_for

_STORED = """
SELECT device_id, (extract(epoch FROM ts) * 1000)::bigint, count(*),
       max(value) FILTER (WHERE metric = 'temperature'), max(value) FILTER (WHERE metric = 'ambient'),
       max(value) FILTER (WHERE metric = 'door'), max(value) FILTER (WHERE metric = 'power')
FROM reading GROUP BY device_id, ts
"""
_BEHIND = """
SELECT count(*) FILTER (WHERE NOT EXISTS (
           SELECT 1 FROM reading WHERE device_id = id AND metric = 'power' AND ts >= to_timestamp(sent.ts / 1000.0))),
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT 1 FROM rule_state WHERE device_id = id AND evaluated_until >= to_timestamp(sent.ts / 1000.0)))
FROM unnest(%s::text[], %s::bigint[]) AS sent (id, ts)
"""


def rows(url: str, statement: Any, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement, values).fetchall()


def behind(url: str, last: Mapping[str, int]) -> tuple[int, int]:
    """Of how many devices nothing is stored yet of those instants (milliseconds) or later, and how many not judged."""
    ((stored, judged),) = rows(url, _BEHIND, list(last), list(last.values()))
    return stored, judged


def stored_messages(url: str) -> list[Sent]:
    """All messages whose four readings are stored, once each; fails where one is stored in part."""
    found = rows(url, _STORED)
    torn = [row for row in found if row[2] != len(_METRICS)]
    assert torn == [], "messages stored in part, or twice"
    return [Sent(device, ts, (temperature, ambient, door, power)) for device, ts, _, temperature, ambient, door, power
            in found]  # fmt: skip


def lost(acknowledged: Iterable[Sent], stored: Iterable[Sent]) -> list[Sent]:
    """The acknowledged messages that are not stored; fails where something is stored that nobody sent."""
    expected, kept = Counter(acknowledged), Counter(stored)
    assert max(kept.values(), default=0) <= 1
    assert kept - expected == Counter(), "stored, but never acknowledged"
    return sorted((expected - kept).elements())


def expected_needs(stored: Iterable[Sent]) -> dict[str, datetime]:
    """The needs that follow from messages: devices without mains power to the end, a minute after that began."""
    begins: dict[str, int] = {}
    for message in sorted(stored, key=_when):
        if message.values[3] > 0.5:
            begins.pop(message.device, None)
        else:
            begins.setdefault(message.device, message.ts)
    return {device: _instant(ts) + _SETTLE for device, ts in begins.items()}


def check_needs(url: str, stored: Iterable[Sent]) -> None:
    """Every need that follows from what is stored was opened once, at its instant, and no other."""
    messages = list(stored)
    found = rows(url, "SELECT device_id, opened_at FROM need WHERE rule = 'power_lost'")
    assert sorted(found) == sorted(expected_needs(messages).items()), "opened twice, not at all, in vain, or too late"
    told = rows(url, "SELECT count(*) FROM event WHERE type = 'need.opened'")
    assert told == rows(url, "SELECT count(*) FROM need"), "each is told of once"
    ends = {message.device: message.ts for message in sorted(messages, key=_when)}
    for device, at in rows(url, "SELECT device_id, opened_at FROM need WHERE rule <> 'power_lost'"):
        assert at >= _instant(ends[device]) + _SILENT, f"{device} was taken for silent while it spoke"


def _when(message: Sent) -> int:
    return message.ts


def _instant(ts: int) -> datetime:
    return datetime.fromtimestamp(ts / 1000, UTC)
