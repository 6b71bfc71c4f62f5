"""What people read about a need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.rules.telemetry import START, compiled, new_fold, rule, series


@pytest.mark.parametrize(
    ("over", "readings", "reasons"),
    [
        (
            {"when": "temperature > setpoint + 10", "for": "2m", "clear": "temperature < setpoint + 5"},
            "-55x3 -70",
            [
                "Too warm: temperature > setpoint + 10 holds for 2 min (setpoint -70 °C, temperature -55 °C)",
                "Too warm is over: temperature < setpoint + 5 holds (setpoint -70 °C, temperature -70 °C)",
            ],
        ),
        (
            {"clear_for": "1m"},
            "-55 -70 -70",
            [
                "Too warm: temperature > -60 holds (temperature -55 °C)",
                "Too warm is over: temperature > -60 no longer holds for 1 min (temperature -70 °C)",
            ],
        ),
        (
            {"absent_for": "90s", "absent": ("temperature",)},
            "-70 _x4 -70",
            [
                "Too warm: no reading of temperature for 1 min 30 s, since 2026-11-21 12:00:00 UTC",
                "Too warm is over: it reports again (temperature -70 °C)",
            ],
        ),
        (
            {"absent_for": "1m", "absent": ("temperature",), "during": {"hours": "12:05-13:00"}},
            "-70 _x9 -70",
            [
                "Too warm: no reading of temperature for 5 min, since 2026-11-21 12:00:00 UTC",
                "Too warm is over: it reports again (temperature -70 °C)",
            ],
        ),
        (
            {"let": {"rise": "slope(temperature, 10m)"}, "when": "rise > 0.0001"},
            "-70 -69.99 -69.97",
            ["Too warm: rise > 0.0001 holds (rise 0.000167, temperature -69.99 °C)"],
        ),
        (
            {"let": {"mean": "avg(temperature, 10m)"}, "when": "mean > -60"},
            "-50",
            ["Too warm: mean > -60 holds (mean -50, temperature -50 °C)"],
        ),
    ],
)
def test_the_reason_says_what_held_for_how_long_and_which_readings_showed_it(
    over: dict[str, Any], readings: str, reasons: list[str]
) -> None:
    fold = new_fold(compiled("freezer", [rule(**over)]))
    fold.advance(series(temperature=readings))
    assert [outcome.reason for outcome in fold.outcomes] == reasons


def test_the_evidence_has_each_value_with_its_own_time() -> None:
    fold = new_fold(compiled("freezer", [rule(when="temperature > setpoint + 10")]))
    fold.advance(series(timedelta(minutes=1), START, setpoint="-70 _", temperature="-70 -55"))
    (outcome,) = fold.outcomes
    assert outcome.evidence == {
        "setpoint": {"value": -70.0, "ts": "2026-11-21T12:00:00+00:00"},
        "temperature": {"value": -55.0, "ts": "2026-11-21T12:01:00+00:00"},
    }
