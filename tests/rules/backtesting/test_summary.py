"""How often and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.rules.backtesting.summary import summarise
from tests.rules.backtesting.past import MINUTE, need
from tests.rules.telemetry import START

END = START + timedelta(weeks=2)


def test_the_figures_of_three_needs_over_two_weeks() -> None:
    summary = summarise([need(0, 10), need(20, 50), need(60, 61)], START, END)
    assert (summary.count, summary.a_week) == (3, 1.5)
    assert (summary.open_for, summary.longest, summary.still_open) == (41 * MINUTE, 30 * MINUTE, 0)


def test_only_what_lies_within_the_span_counts() -> None:
    summary = summarise([need(-100, 10), need(20, None)], START, START + 60 * MINUTE)
    assert (summary.open_for, summary.longest, summary.still_open) == (50 * MINUTE, 40 * MINUTE, 1)


@pytest.mark.parametrize("span", [timedelta(days=6), timedelta(0)])
def test_a_span_shorter_than_a_week_says_nothing_of_weeks(span: timedelta) -> None:
    assert summarise([need(0, 1)], START, START + span).a_week is None


def test_no_need_is_no_time() -> None:
    summary = summarise([], START, END)
    assert (summary.count, summary.a_week, summary.open_for, summary.longest) == (0, 0, timedelta(0), timedelta(0))
