"""Months of the calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta


def months_after(start: datetime, months: float) -> datetime:
    """Return the same time so many calendar months after ``start``; where a month is too short, its last day.

    A part of a month is that part of the days of the month that it falls in. ``months`` must not be negative.
    """
    whole = int(months)
    year, month = divmod(start.year * 12 + start.month - 1 + whole, 12)
    length = monthrange(year, month + 1)[1]
    end = start.replace(year=year, month=month + 1, day=min(start.day, length))
    return end + timedelta(days=length * (months - whole))
