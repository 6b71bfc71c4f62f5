"""How often and for how long: the figures of one rule over a span. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.rules.backtesting.findings import FoundNeed

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Summary:
    """The needs of one rule: how many, how many a week (None: the span is shorter), how long they were open in all and
    at the longest.

    Time open before the span does not count, nor does what comes after it. ``still_open`` had not resolved at its end.
    """

    count: int
    a_week: float | None
    open_for: timedelta
    longest: timedelta
    still_open: int


def summarise(needs: Iterable[FoundNeed], since: datetime, until: datetime) -> Summary:
    """Return the figures of ``needs``, all of one rule, over the span from ``since`` to ``until`` (UTC)."""
    found = list(needs)
    spans = [max(min(need.resolved or until, until) - max(need.opened, since), timedelta(0)) for need in found]
    return Summary(
        count=len(found),
        a_week=len(found) / ((until - since) / _WEEK) if until - since >= _WEEK else None,
        open_for=sum(spans, timedelta(0)),
        longest=max(spans, default=timedelta(0)),
        still_open=sum(need.resolved is None or need.resolved > until for need in found),
    )
