from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from iot_service.model.customer import Locale
from iot_service.notify.words import Words, first_sentence, inner
from iot_service.products.model import Text

EIGHT_UTC = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
NB, EN = Words(Locale.NB, "Europe/Oslo"), Words(Locale.EN, "Europe/London")


def test_times_are_said_in_the_persons_language_and_zone() -> None:
    assert NB.full(EIGHT_UTC) == "mandag 23. november kl. 09.00"
    assert EN.full(EIGHT_UTC) == "Monday 23 November at 08:00"
    assert NB.short(EIGHT_UTC) == "man. 23.11. kl. 09.00"
    assert EN.short(EIGHT_UTC) == "Mon 23 Nov at 08:00"
    assert NB.day(EIGHT_UTC) == "mandag 23. november"


def test_a_moment_of_today_needs_no_date() -> None:
    assert NB.moment(EIGHT_UTC, now=EIGHT_UTC + timedelta(hours=14)) == "kl. 09.00"
    assert NB.moment(EIGHT_UTC, now=EIGHT_UTC + timedelta(hours=15)) == "man. 23.11. kl. 09.00"


@pytest.mark.parametrize(
    ("minor", "currency", "nb", "en"),
    [
        (499000, "NOK", "4 990 kr", "NOK 4,990"),
        (19950, "NOK", "199,50 kr", "NOK 199.50"),
        (0, "NOK", "0 kr", "NOK 0"),
        (1200, "JPY", "1 200 JPY", "JP¥ 1,200"),
    ],
)
def test_sums_show_minor_units_only_where_there_are_any(minor: int, currency: str, nb: str, en: str) -> None:
    assert (NB.money(minor, currency), EN.money(minor, currency)) == (nb, en)


def test_figures_have_the_decimal_sign_of_the_language() -> None:
    assert (NB.number(-55.34), EN.number(-55.34), NB.number(120)) == ("-55,3", "-55.3", "120")


def test_phone_numbers_are_grouped_as_people_read_them() -> None:
    assert NB.phone("+4722000000") == "+47 22 00 00 00"
    assert NB.phone("ring oss") == "ring oss"


def test_lists_end_with_an_and() -> None:
    assert NB.joined(["service"]) == "service"
    assert NB.joined(["service", "dekkskift", "vask"]) == "service, dekkskift og vask"
    assert EN.joined(["service", "wash"]) == "service and wash"


def test_texts_of_the_catalog_are_picked_by_language() -> None:
    assert (NB.pick(Text(nb="ja", en="yes")), EN.pick(Text(nb="ja", en="yes"))) == ("ja", "yes")


@pytest.mark.parametrize(
    ("text", "inside"), [("Skift til vinterdekk", "skift til vinterdekk"), ("EU-kontroll", "EU-kontroll"), ("", "")]
)
def test_a_name_loses_its_capital_inside_a_sentence(text: str, inside: str) -> None:
    assert inner(text) == inside


def test_the_first_sentence_is_enough_for_an_sms() -> None:
    assert first_sentence("Hold døren lukket. Flytt varene.") == "Hold døren lukket."
    assert first_sentence("Svakt 12.5 V-batteri") == "Svakt 12.5 V-batteri"
