"""Dates, money and figures in one person's language and time zone (Babel)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import babel
import phonenumbers
from babel.dates import format_datetime
from babel.numbers import format_currency, get_currency_precision
from phonenumbers import NumberParseException, PhoneNumberFormat

from iot_service.model.customer import Locale
from iot_service.products.model import Text
from iot_service.products.texts import say_number

_BABEL: Mapping[Locale, str] = {Locale.NB: "nb", Locale.EN: "en_GB"}
_PATTERNS: Mapping[Locale, Mapping[str, str]] = {
    Locale.NB: {
        "day": "EEEE d. MMMM",
        "time": "'kl.' HH.mm",
        "full": "EEEE d. MMMM 'kl.' HH.mm",
        "short": "EEE d.M. 'kl.' HH.mm",
    },
    Locale.EN: {
        "day": "EEEE d MMMM",
        "time": "HH:mm",
        "full": "EEEE d MMMM 'at' HH:mm",
        "short": "EEE d MMM 'at' HH:mm",
    },
}
_AND: Mapping[Locale, str] = {Locale.NB: " og ", Locale.EN: " and "}


class Words:
    """Says times (aware) and sums in one language, for one time zone (IANA name)."""

    def __init__(self, locale: Locale, time_zone: str) -> None:
        self.locale = locale
        self._zone = ZoneInfo(time_zone)
        self._babel = babel.Locale.parse(_BABEL[locale])

    def pick(self, text: Text) -> str:
        """Return the text of this language."""
        return text.nb if self.locale is Locale.NB else text.en

    def day(self, at: datetime) -> str:
        """``mandag 23. november``."""
        return self._say("day", at)

    def time(self, at: datetime) -> str:
        """``kl. 09.00``."""
        return self._say("time", at)

    def full(self, at: datetime) -> str:
        """``mandag 23. november kl. 09.00``."""
        return self._say("full", at)

    def short(self, at: datetime) -> str:
        """``man. 23.11. kl. 09.00``, for SMS."""
        return self._say("short", at)

    def moment(self, at: datetime, *, now: datetime) -> str:
        """The time of day where ``at`` is on the same local day as ``now``, else day and time, short."""
        same = at.astimezone(self._zone).date() == now.astimezone(self._zone).date()
        return self.time(at) if same else self.short(at)

    def money(self, minor: int, currency: str) -> str:
        """``4 990 kr`` for 499000 øre; minor units are shown only where there are any."""
        digits = get_currency_precision(currency)
        whole = minor % 10**digits == 0
        text = format_currency(
            minor / 10**digits,
            currency,
            format=self._money_pattern(decimals=0 if whole else digits),
            locale=self._babel,
            currency_digits=False,
        )
        return _spaces(text)

    def number(self, value: float) -> str:
        """``-55,3``: one decimal at the most."""
        return say_number(value, self.locale)

    def phone(self, number: str) -> str:
        """``+47 22 00 00 00``: an E.164 number as people read it; anything else stays as it is."""
        try:
            return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
        except NumberParseException:
            return number

    def joined(self, items: list[str]) -> str:
        """``service, dekkskift og vask``."""
        return ", ".join(items[:-1]) + _AND[self.locale] + items[-1] if len(items) > 1 else "".join(items)

    def _say(self, pattern: str, at: datetime) -> str:
        text = format_datetime(at, _PATTERNS[self.locale][pattern], tzinfo=self._zone, locale=self._babel)
        return _spaces(text)

    def _money_pattern(self, *, decimals: int) -> str:
        number = "#,##0" + ("." + "0" * decimals if decimals else "")
        return f"{number} ¤" if self.locale is Locale.NB else f"¤ {number}"


def first_sentence(text: str) -> str:
    """Return the first sentence of ``text``, with its full stop; for SMS."""
    head, stop, _ = text.strip().partition(". ")
    return head + "." if stop else head


def inner(text: str) -> str:
    """Return ``text`` as it stands inside a sentence: without its capital, unless the word has more of them (EU)."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _spaces(text: str) -> str:
    """Plain spaces instead of those that do not break: SMS have none, and one would double the length of the rest."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("−", "-")
