"""A backtest as a page of its own."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from iot_service.rules.backtesting.picture import picture
from iot_service.rules.backtesting.run import Subject
from tests.rules.backtesting.past import judged
from tests.rules.telemetry import rule, series

SAMPLES = series(temperature="-70x5 -55x20 -70x20 -50x30 -70x10", door="0x50 1x10 0x20", ambient="20x80")
PAGE = picture(judged(SAMPLES, curves=True))
VOID = {"meta", "link", "br", "img", "input"}


class _Checker(HTMLParser):
    """Finds elements that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # an HTMLParser
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_stands_alone_and_is_well_formed() -> None:
    checker = _Checker()
    checker.feed(PAGE)
    assert (checker.open, checker.wrong) == ([], [])
    assert not re.search(r"https?:|<script|<link|@import|url\(", PAGE)
    assert "prefers-color-scheme: dark" in PAGE
    assert "width=device-width" in PAGE


def test_each_metric_that_a_rule_reads_is_a_curve_with_its_unit_and_a_text() -> None:
    assert re.findall(r"<figcaption>(\w+)", PAGE) == ["temperature"]
    assert '<span class="soft">in °C</span>' in PAGE
    assert 'aria-label="temperature from -70 to -50 °C; 2 needs are marked"' in PAGE
    assert "Nothing was measured in this span of setpoint, power." in PAGE


def test_each_need_is_a_band_that_leads_to_its_row() -> None:
    assert PAGE.count('href="#need-1"') == 2  # on the curve, and in the row of its rule
    assert PAGE.count('<tr id="need-') == 2
    band = re.search(r'href="#need-1"><rect class="critical" x="([\d.]+)" width="([\d.]+)"', PAGE)
    assert band is not None
    minutes = 89
    assert float(band[1]) == pytest.approx(1000 * 16 / minutes, abs=0.1)
    assert float(band[2]) == pytest.approx(1000 * 16 / minutes, abs=0.1)


def test_a_switch_is_drawn_in_steps_and_its_axis_says_0_and_1() -> None:
    page = picture(judged(SAMPLES, [rule("open", when="door > 0.5")], curves=True))
    path = re.search(r'<path d="([^"]+)"', page)
    assert path is not None
    assert "L" not in path[1]
    assert re.findall(r'font-weight:400">([^<]+)<', page) == ["0", "1"]


def test_more_readings_than_a_screen_shows_are_drawn_as_their_mean_and_range() -> None:
    page = picture(judged(series(timedelta(seconds=1), temperature="-70+0.001x9999"), curves=True))
    assert "(mean and range of each 10 s)" in page
    assert page.count('<path class="range"') == 1
    assert page.count("<path d=") == 1


def test_a_gap_in_the_readings_is_a_gap_in_the_curve() -> None:
    page = picture(judged(series(temperature="-70x5 _x60 -70x5 _x60 -70"), curves=True))
    assert page.count("<path d=") == 2
    assert page.count('class="dot"') == 1


def test_names_that_look_like_code_stay_text() -> None:
    subject = Subject("<script>alert(1)</script>", {"setpoint": -70, "alarm_offset": 10, "band": 5})
    page = picture(judged(SAMPLES, subject=subject, curves=True))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_without_any_need_the_page_says_so() -> None:
    page = picture(judged(series(temperature="-70x5"), curves=True))
    assert "No need would have opened." in page
    assert "a need was open" not in page


def test_many_rules_are_counted_in_the_title() -> None:
    rules = [rule(f"warm{number}") for number in range(5)]
    assert "<title>5 rules of freezer on freezer-1</title>" in picture(judged(SAMPLES, rules, curves=True))


def test_a_backtest_without_curves_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no curves"):
        picture(judged(SAMPLES))
