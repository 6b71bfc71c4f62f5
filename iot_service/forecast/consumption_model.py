"""How long a stock lasts one device, from the times at which it was used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from iot_service.forecast.daily_model import DailyModel
from iot_service.forecast.hours import HourProfile
from iot_service.forecast.ranges import Range


class ConsumptionModel:
    """One device's own consumption: weekday, hour and season in its time zone, level, spread and closures.

    Feed uses as they come, then ask. The same uses give the same answers however they are cut into batches.
    """

    def __init__(self, zone: tzinfo, *, portion: float = 1.0) -> None:
        """``zone`` is where the device stands; ``portion`` the amount of one use, in the unit of stock and uses (> 0).

        Amounts of 0.2 l a time vary like counts of portions of 0.2 l, not like counts of litres.
        """
        if not portion > 0:
            raise ValueError(f"portion must be above 0, got {portion}")
        self._zone = zone
        self._portion = portion
        self._model: DailyModel | None = None
        self._profile = HourProfile()
        self._today: date | None = None
        self._hours = [0.0] * 24

    def update(self, uses: Iterable[tuple[datetime, float]]) -> None:
        """Take uses (time with zone, amount ≥ 0); their days must not go backwards, in a day any order will do.

        A day is complete when a use of a later day comes or :meth:`advance` says so; a use of a complete day raises
        ValueError. Days between without uses had none.
        """
        for at, amount in uses:
            self.advance(at)
            self._hours[at.astimezone(self._zone).hour] += amount / self._portion

    def advance(self, at: datetime) -> None:
        """Take it that all uses before the day of ``at`` are known. Raises ValueError when that is a complete day."""
        day = at.astimezone(self._zone).date()
        if self._today is None:
            self._today = day
        if day < self._today:
            raise ValueError(f"{day} is complete already, the day is {self._today}")
        while self._today < day:
            self._complete(self._today)
            self._today += timedelta(days=1)

    def days_until_used_up(self, stock: float, at: datetime) -> Range | None:
        """Return the days from ``at`` until ``stock`` is used up, stock as it is at ``at``; advances to that day.

        None before one day is complete. Days are those of the device's clock: one has 23 h in spring.
        """
        if self._today is None:
            return None
        self.advance(at)
        if self._model is None:
            return None
        local = at.astimezone(self._zone)
        begun = (local.hour + (local.minute + local.second / 60) / 60) / 24
        week = [self._profile.shares((local.weekday() + day) % 7) for day in range(7)]
        return self._model.days_until_used_up(stock / self._portion, begun=begun, week=week)

    def _complete(self, day: date) -> None:
        if self._model is None:
            self._model = DailyModel(day.weekday())
        self._model.update([sum(self._hours)])
        self._profile.learn(day.weekday(), self._hours)
        self._hours = [0.0] * 24
