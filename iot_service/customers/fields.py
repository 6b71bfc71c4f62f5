"""The kinds of value that people type in: phone numbers, time zones, spans of time; each says what would be right."""

from __future__ import annotations

import difflib
import re
from datetime import time, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from iot_service.durations import parse_duration

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_E164 = re.compile(r"\+[0-9]{6,15}")  # some countries' plans allow more digits than E.164, and no network takes them
_zones = cache(available_timezones)


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        number = None
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""
    if number is None or not phonenumbers.is_possible_number(number) or not _E164.fullmatch(text):
        raise ValueError(f"{value!r} is not a phone number in international form; write it like +4790000001")
    return text


def check_email(value: str) -> str:
    """Return ``value`` where it is an e-mail address; raises ValueError where it is not."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) or len(value) > 254 or not value.isprintable():
        raise ValueError(f"{value!r} is not an e-mail address; write it like anna@example.com")
    return value


def _time_zone(value: str) -> str:
    if value not in _zones():
        close = difflib.get_close_matches(value, _zones(), n=1)
        hint = f"did you mean {close[0]}?" if close else "write an IANA name like Europe/Oslo"
        raise ValueError(f"{value!r} is not a time zone; {hint}")
    return value


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text, and not empty")
    return value.strip()


def _span(value: Any) -> Any:
    if not isinstance(value, str) or value.startswith("P"):
        return value  # ISO 8601, or not text at all: the field itself judges it
    return parse_duration(value)


def _hours(value: dict[str, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    for day, spans in value.items():
        if day not in _WEEKDAYS:
            raise ValueError(f"{day!r} is not a weekday; write one of {', '.join(_WEEKDAYS)}")
        last = ""
        for opens, closes in spans:
            if not (_is_time(opens) and _is_time(closes) and last <= opens < closes):
                raise ValueError(f'{day}: write hours in order, without overlap, like [["08:00", "16:00"]]')
            last = closes
    return value


def _is_time(value: str) -> bool:
    try:
        return time.fromisoformat(value).strftime("%H:%M") == value
    except ValueError:
        return False


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An id that people choose: letters, digits, ``_`` and ``-``, at most 64."""
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
"""One line of text for people, at most 200 characters."""
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500), AfterValidator(_one_line)
]
"""Why somebody did something, for the record: one line of 3 to 500 characters."""
Phone = Annotated[str, AfterValidator(_phone)]
"""A phone number in any international form, kept as E.164."""
Email = Annotated[str, AfterValidator(check_email)]
"""An e-mail address."""
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""An IANA time zone name."""
Span = Annotated[timedelta, BeforeValidator(_span), Field(ge=timedelta(0), le=timedelta(days=3660))]
"""A span of time, as ``24h``, ``3d``, ``10m`` or ISO 8601 (``PT24H``)."""
Latitude = Annotated[float, Field(ge=-90, le=90)]
"""Degrees north (WGS 84)."""
Longitude = Annotated[float, Field(ge=-180, le=180)]
"""Degrees east (WGS 84)."""
OpeningHours = Annotated[dict[str, list[tuple[str, str]]], AfterValidator(_hours)]
"""Weekday (``mon`` … ``sun``) to its spans ``[opens, closes]``, local time ``HH:MM``."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code, like ``NOK``."""
