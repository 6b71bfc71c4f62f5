"""A backtest for people and for programs."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from iot_service.model.reading import Sample
from iot_service.rules.backtesting.run import Subject
from iot_service.rules.backtesting.showing import backtest_text, backtest_values, show_span
from iot_service.rules.context import DeviceContext
from tests.rules.backtesting.past import judged
from tests.rules.telemetry import compiled, series

WARM = series(temperature="-70x5 -55x20 -70x20")


def in_oslo(samples: list[Sample], until: float) -> str:
    subject = Subject(
        "freezer-1", dict(compiled("freezer").model.parameters), context=DeviceContext(ZoneInfo("Europe/Oslo"))
    )
    return backtest_text(judged(samples, subject=subject, until=until))


def test_the_table_says_when_how_long_and_why_in_local_time() -> None:
    lines = in_oslo(WARM, 47).splitlines()
    assert lines[0] == "freezer-1, 2026-11-21 13:00:00 to 2026-11-21 13:47:00 (Europe/Oslo): 48 readings judged"
    assert lines[2].split() == ["opened", "resolved", "lasted", "severity", "rule", "why"]
    assert lines[3].startswith(
        "2026-11-21 13:16:00  2026-11-21 13:32:00  16 min  critical  temperature_high  Freezer too warm: "
    )
    assert lines[5:] == [
        "freezer/temperature_high: 1 need, open for 16 min in all, 16 min at the longest",
        "freezer/silent: no need",
        "freezer/power_lost: no need",
    ]


def test_two_weeks_have_needs_a_week() -> None:
    text = in_oslo(WARM, 14 * 1440)
    assert "freezer/temperature_high: 1 need (0.5 a week), open for 16 min in all" in text
    assert "still open           13 d 22 h  high      silent" in text
    assert "13 d 22 h at the longest, 1 still open at the end" in text


def test_no_need_is_no_table() -> None:
    text = backtest_text(judged(series(temperature="-70x5")))
    assert "opened" not in text
    assert "freezer/silent: no need" in text


def test_programs_get_plain_values() -> None:
    values = json.loads(json.dumps(backtest_values(judged(WARM))))
    assert (values["device"], values["product"], values["samples"]) == ("freezer-1", "freezer", 48)
    assert (values["from"], values["to"]) == ("2026-11-21T12:00:00+00:00", "2026-11-21T12:47:00+00:00")
    (need,) = values["needs"]
    assert (need["rule"], need["severity"], need["lasted_s"]) == ("temperature_high", "critical", 960)
    assert (need["opened"], need["resolved"]) == ("2026-11-21T12:16:00+00:00", "2026-11-21T12:32:00+00:00")
    assert need["evidence"]["temperature"]["value"] == -55
    assert values["rules"]["temperature_high"] == {
        "needs": 1, "a_week": None, "open_s": 960, "longest_s": 960, "still_open": 0,
    }  # fmt: skip


def test_a_length_of_time_is_short() -> None:
    spans = {timedelta(0): "0 s", timedelta(seconds=0.2): "0.2 s", timedelta(seconds=90.6): "1 min 31 s"}
    assert {span: show_span(span) for span in spans} == spans
