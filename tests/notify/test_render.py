from __future__ import annotations

from importlib import resources

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from iot_service.model.customer import Locale
from iot_service.notify.policy import POLICY
from iot_service.notify.render import render

USED = {row.template for row in POLICY}


@pytest.mark.parametrize("locale", Locale)
def test_every_language_has_every_message_and_no_other(locale: Locale) -> None:
    folder = resources.files("iot_service.notify") / "templates" / locale
    assert {file.name for file in folder.iterdir()} == {f"{name}.j2" for name in USED} | {"_letter.j2"}


def test_a_missing_word_stops_the_message_instead_of_leaving_a_hole() -> None:
    with pytest.raises(UndefinedError, match="device"):
        render("fault_minor", Locale.EN, {"name": "Anna"})


def test_an_unknown_template_is_not_found() -> None:
    with pytest.raises(TemplateNotFound):
        render("no_such_message", Locale.EN, {"name": "Anna"})


def test_a_message_is_a_letter_and_an_sms_of_one_line() -> None:
    facts = {
        "name": "Anna & Ola",
        "for_customer": True,
        "device": "Volvo – «EX40»",
        "title": "Lavt dekktrykk",
        "message": None,
        "advice": None,
        "link": "L",
    }
    text = render("fault_minor", Locale.NB, facts)
    assert text.subject == "Volvo – «EX40»: Lavt dekktrykk"
    assert text.short == 'Volvo - "EX40": Lavt dekktrykk. L'
    assert text.body.startswith("Hei, Anna & Ola!\n\nVi har sett noe på Volvo")
    assert text.body.endswith("\n\nHilsen kundeservice\n")
    assert "\n\n\n" not in text.body


def test_who_works_for_us_gets_no_regards() -> None:
    facts = {
        "name": "Kari", "for_customer": False, "device": "D", "title": "T", "message": None, "advice": None,
        "link": "L",
    }  # fmt: skip
    assert render("fault_minor", Locale.EN, facts).body.endswith("here:\nL\n")
