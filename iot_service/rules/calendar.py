"""Whether a schedule holds at an instant, and when that changes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from iot_service.products.schedule import Schedule
from iot_service.rules.context import UTC_ZONE, DeviceContext

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
LOOKED_AHEAD = timedelta(days=400)
"""How far ahead changes are looked for: longer than any season lasts."""


def holds(schedules: Sequence[Schedule], at: datetime, context: DeviceContext) -> bool:
    """Return whether one of ``schedules`` holds at ``at`` (UTC) where the device stands."""
    local = at.astimezone(context.zone)
    return any(_holds(schedule, local, context) for schedule in schedules)


def next_change(schedules: Sequence[Schedule], at: datetime, context: DeviceContext) -> datetime | None:
    """Return the first instant after ``at`` (UTC) at which :func:`holds` gives another answer.

    None when that is more than 400 days away.
    """
    now = holds(schedules, at, context)
    edges = sorted({edge for schedule in schedules for edge in schedule.edges})
    day = at.astimezone(context.zone).date()
    for _ in range(LOOKED_AHEAD.days):
        for instant in _instants(day, edges, context.zone):
            if instant > at and holds(schedules, instant, context) != now:
                return instant
        day += _DAY
    return None


def _instants(day: date, edges: Sequence[time], zone: ZoneInfo) -> Sequence[datetime]:
    """Return when (UTC) the clocks of ``zone`` show ``edges`` on ``day``, in order.

    Where they are put forward or back on that day, also the second time, and the instant at which it is done.
    """
    local = [datetime.combine(day, edge, tzinfo=zone) for edge in edges]
    begin, end = (datetime.combine(each, time(), tzinfo=zone) for each in (day, day + _DAY))
    if begin.utcoffset() == end.utcoffset():
        return [each.astimezone(UTC_ZONE) for each in local]
    found = {each.replace(fold=fold).astimezone(UTC_ZONE) for each in local for fold in (0, 1)}
    low, high = begin.astimezone(UTC_ZONE) - 2 * _HOUR, end.astimezone(UTC_ZONE)
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return sorted({*found, high})


def _holds(schedule: Schedule, local: datetime, context: DeviceContext) -> bool:
    today = _has_day(schedule, local.date(), context)
    if schedule.hours is None:
        return today
    minute = local.hour * 60 + local.minute
    for start, end in schedule.hours:
        if start < end:
            if today and start <= minute < end:
                return True
        elif (today and minute >= start) or (minute < end and _has_day(schedule, local.date() - _DAY, context)):
            return True
    return False


def _has_day(schedule: Schedule, day: date, context: DeviceContext) -> bool:
    is_holiday = schedule.holidays is not None and day in _holidays(context.country, day.year)
    return schedule.has_day(day, is_holiday=is_holiday)


@lru_cache(maxsize=1024)
def _holidays(country: str | None, year: int) -> frozenset[date]:
    if country is None:
        return frozenset()
    import holidays  # noqa: PLC0415  # it takes a while, and few rules need it

    return frozenset(holidays.country_holidays(country, years=year)) if country in _countries() else frozenset()


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    import holidays  # noqa: PLC0415

    return frozenset(holidays.list_supported_countries())
