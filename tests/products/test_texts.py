"""Texts with values, unit and locale."""

from __future__ import annotations

import pytest

from iot_service.model.customer import Locale
from iot_service.products.catalog import load_catalog
from iot_service.products.model import Text
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.texts import bare, pieces, say, say_message, say_number, text_problems

MODEL = load_catalog().products["freezer"]
EVIDENCE = {
    "temperature": {"value": -48.26, "ts": "2026-01-01T00:00:00+00:00"},
    "limit": {"value": -60.0, "ts": "2026-01-01T00:00:00+00:00"},
    "door": {"value": 1.0, "ts": "2026-01-01T00:00:00+00:00"},
    "codes": {"value": ["P0301", "P0\n420"], "ts": "2026-01-01T00:00:00+00:00"},
}


def spoken(text: str, locale: Locale = Locale.NB) -> str:
    return say(Text(nb=text, en=text), locale, EVIDENCE, MODEL)


@pytest.mark.parametrize(
    ("text", "nb", "en"),
    [
        ("for varm", "for varm", "for varm"),
        ("{temperature}", "-48,3 °C", "-48.3 °C"),
        ("{temperature:.0f}", "-48 °C", "-48 °C"),
        ("{temperature:.2}", "-48,26 °C", "-48.26 °C"),
        ("{temperature:.0f grader}", "-48 grader", "-48 grader"),
        ("{limit}", "-60", "-60"),
        ("{limit:.1f °C}", "-60,0 °C", "-60.0 °C"),
        ("{door}", "1", "1"),
        ("{codes}", "P0301, P0 420", "P0301, P0 420"),
        ("{ambient}", "ukjent", "unknown"),
        ("{ambient:.1f °C}", "ukjent", "unknown"),
        ("{{temperature}}", "{temperature}", "{temperature}"),
    ],
)
def test_a_value_is_said_in_the_language_with_its_unit(text: str, nb: str, en: str) -> None:
    assert (spoken(text), spoken(text, Locale.EN)) == (nb, en)


def test_large_numbers_are_grouped_as_people_write_them() -> None:
    assert say_number(12345.0, Locale.NB, unit="km") == "12 345 km"
    assert say_number(12345.0, Locale.EN, unit="km") == "12,345 km"
    assert say_number(-1.5e30, Locale.NB, unit="km") == "-1,50e+30 km"
    assert say_number(1.7e308, Locale.EN, decimals=3) == "1.70e+308"
    assert (say_number(12.5, Locale.NB, unit="%"), say_number(12.5, Locale.EN, unit="%")) == ("12,5 %", "12.5%")


def test_without_a_need_at_hand_values_are_left_open() -> None:
    assert bare(Text(nb="a", en="It is {temperature}")) == "It is …"


@pytest.mark.parametrize("text", ["{", "a } b", "{}", "{1}", "{temperature:x.}{", "{a b}"])
def test_a_brace_that_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no value"):
        pieces(text)


def test_a_message_of_which_nothing_is_known_is_left_out() -> None:
    text = {"nb": "{temperature} {limit}", "en": "x"}
    given = {"id": "r", "kind": "fault", "severity": "low", "title": text, "when": "door > 0"}
    assert say_message(RuleSpec.model_validate(given), Locale.NB, EVIDENCE, MODEL) == ""
    spec = RuleSpec.model_validate(given | {"message": text})
    assert say_message(spec, Locale.NB, {"limit": EVIDENCE["limit"]}, MODEL) == "ukjent -60"
    assert say_message(spec, Locale.NB, {}, MODEL) == ""


def test_unknown_names_are_told_by_field_and_language() -> None:
    title = {"nb": "{temprature}", "en": "{"}
    spec = RuleSpec.model_validate({"id": "r", "kind": "fault", "severity": "low", "title": title, "when": "door > 0"})
    assert list(text_problems(spec, ["temperature", "door"])) == [
        (("title", "nb"), "there is no 'temprature'; did you mean 'temperature'?"),
        (("title", "en"), "'{' is no value; write {temperature}, {limit:.1f °C}, or {{ for a brace"),
    ]
