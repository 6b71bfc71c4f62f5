"""How long a stock lasts, from the uses of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from iot_service.forecast.daily_model import DailyModel
from iot_service.forecast.ranges import Range

_MODELS_KEPT = 256


def days_until_used_up(daily: Sequence[float], *, stock: float, at: datetime) -> Range | None:
    """Return the days from ``at`` until ``stock`` uses are used; None when ``daily`` is empty.

    ``daily`` are the uses (≥ 0) on each complete day (UTC) before the day of ``at``, oldest first; today is taken to be
    used evenly. The model of one such history is kept for the next questions.
    """
    if not daily:
        return None
    now = at.astimezone(UTC)
    model = _model(tuple(daily), (now.weekday() - len(daily)) % 7)
    return model.days_until_used_up(stock, begun=(now.hour + now.minute / 60) / 24)


@lru_cache(maxsize=_MODELS_KEPT)
def _model(daily: tuple[float, ...], first_weekday: int) -> DailyModel:
    model = DailyModel(first_weekday)
    model.update(daily)
    return model
