"""What forecasts would have been made of a recording, and how good they would have been."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean

from iot_service.forecast.ahead import FURTHEST
from iot_service.forecast.consumption_model import ConsumptionModel
from iot_service.forecast.ranges import Range

NAIVE_SPANS = (7, 28)
"""Days over which the naive forecasts take the mean."""
_MONTHS_TO_LEARN = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """One forecast, made at midnight before ``day``, the naive ones beside it, and what came to be, in days."""

    day: date
    forecast: Range
    naive: tuple[float, float]
    actual: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """All forecasts of a recording whose end is in the recording. There is at least one."""

    judged: Sequence[Judged]

    @property
    def mae_days(self) -> float:
        """Mean absolute error of P50, in days."""
        return fmean(abs(min(one.forecast.p50, FURTHEST) - one.actual) for one in self.judged)

    @property
    def coverage(self) -> float:
        """Share of P10 to P90 ranges that held (0 to 1)."""
        return fmean(one.forecast.holds(one.actual) for one in self.judged)

    @property
    def early(self) -> float:
        """Share of forecasts in which the stock was used up before P10."""
        return fmean(one.actual < one.forecast.p10 for one in self.judged)

    @property
    def width_days(self) -> float:
        """Mean distance from P10 to P90, in days."""
        return fmean(min(one.forecast.p90, FURTHEST) - min(one.forecast.p10, FURTHEST) for one in self.judged)

    def naive_mae_days(self, index: int) -> float:
        """Mean absolute error of the naive forecast over ``NAIVE_SPANS[index]`` days, in days."""
        return fmean(abs(one.naive[index] - one.actual) for one in self.judged)


def default_start(first: date, last: date) -> date:
    """Return the day of the first forecast: two months after ``first``, or a quarter of a shorter recording."""
    month = first.month + _MONTHS_TO_LEARN
    later = date(first.year + (month - 1) // 12, (month - 1) % 12 + 1, min(first.day, 28))
    return min(later, first + (last - first) / 4 + timedelta(days=1)) if (last - later).days < 60 else later


def backtest(uses: Sequence[datetime], *, stock: int, first_day: date, last_day: date) -> Backtest | None:
    """Forecast each midnight from ``first_day`` to ``last_day`` how long ``stock`` uses (≥ 1) last; None if none ended.

    ``uses`` are local times (of the recording's place), without zone and in order, one a use. A forecast knows what
    came before its midnight and nothing else, and counts if the recording goes on until its stock is used up. The naive
    forecasts divide the stock by the mean of the last 7 and 28 days; where those have no use, of all days before.
    """
    model = ConsumptionModel(UTC)
    begin = uses[0].date()
    counts = [0] * ((uses[-1].date() - begin).days + 1)
    for use in uses:
        counts[(use.date() - begin).days] += 1
    judged = []
    done = 0
    for day in range((last_day - begin).days + 1):
        midnight = datetime.combine(begin + timedelta(days=day), time())
        now = bisect_left(uses, midnight)
        if now + stock > len(uses):
            break
        model.update((use.replace(tzinfo=UTC), 1.0) for use in uses[done:now])
        done = now
        if midnight.date() < first_day or not day:
            continue
        forecast = model.days_until_used_up(stock, midnight.replace(tzinfo=UTC))
        assert forecast is not None, "one day is complete"
        actual = (uses[now + stock - 1] - midnight) / timedelta(days=1)
        judged.append(Judged(midnight.date(), forecast, _naive(counts[:day], stock), actual))
    return Backtest(judged) if judged else None


def _naive(counts: Sequence[int], stock: int) -> tuple[float, float]:
    means = [fmean(counts[-span:]) or fmean(counts) for span in NAIVE_SPANS]
    return stock / means[0], stock / means[1]
