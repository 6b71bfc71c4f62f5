from __future__ import annotations

import re
from importlib import resources
from string import Formatter

import pytest

from iot_service.model.customer import Locale
from iot_service.pages.texts import TEXTS, metric_name, preferred, say, switch_name


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_each_text_stands_in_both_languages_with_the_same_places(key: str) -> None:
    norwegian, english = TEXTS[key]
    assert norwegian.strip()
    assert english.strip()
    assert places(norwegian) == places(english)


def test_no_text_is_there_for_nothing() -> None:
    folder = resources.files("iot_service.pages")
    files = [*folder.iterdir(), *folder.joinpath("templates").iterdir()]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files if file.name.endswith((".py", ".html")))
    source = re.sub(r'^    "[a-z_.]+": \(', "", source, flags=re.MULTILINE)  # where the texts themselves stand
    computed = ("said.", "appointment.", "proposal.", "order.", "job.state.", "severity.", "state.", "login.")
    unused = [
        key for key in TEXTS if not key.startswith(computed) and not re.search(rf'["\']{re.escape(key)}["\']', source)
    ]
    assert unused == []


def test_a_text_is_said_with_its_values() -> None:
    assert say("home.hello", Locale.NB, name="Anna") == "Hei, Anna"
    assert metric_name("door", Locale.NB) == "dør"
    assert metric_name("tyre_pressure_front_left", Locale.EN) == "tyre pressure front left"
    assert [switch_name("door", Locale.NB, on=on) for on in (False, True)] == ["lukket", "åpen"]
    assert switch_name("power", Locale.EN, on=True) == "on"


@pytest.mark.parametrize(
    ("header", "locale"),
    [("nb-NO,nb;q=0.9,en;q=0.8", "nb"), ("no", "nb"), ("nn", "nb"), ("en-GB", "en"), ("", "en"), ("sv", "en")],
)
def test_a_browser_is_answered_in_the_language_it_asks_for(header: str, locale: str) -> None:
    assert preferred(header) == locale
