"""The instants at which there is something to judge: messages, and changes of facts, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from iot_service.model.reading import Sample
from iot_service.rules.windows import EPOCH

_BEFORE_ALL = EPOCH


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact (or parameter) has a new value from ``at`` on (UTC); one that is no number: it is unknown from then on."""

    at: datetime
    name: str
    value: float


def instants(
    samples: Sequence[Sample], changes: Sequence[FactChange]
) -> Iterator[tuple[datetime, datetime, Sequence[Sample], FactChange | None]]:
    """Yield each message and each change of a fact in order of time; at the same instant, facts come first."""
    place = 0
    start, count = 0, len(samples)
    while start < count:
        _, _, at, received, _ = samples[start]
        end = start + 1
        while end < count and samples[end].ts == at and samples[end].received_at == received:
            end += 1
        while place < len(changes) and changes[place].at <= at:
            yield changes[place].at, _BEFORE_ALL, (), changes[place]
            place += 1
        yield at, received, samples[start:end], None
        start = end
    for change in changes[place:]:
        yield change.at, _BEFORE_ALL, (), change
