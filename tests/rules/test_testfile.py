"""Rule tests that people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.rules.testfile import run_test_file
from tests.rules.telemetry import SHIPPED

GOOD = """\
product: freezer
tests:
  - name: warm
    readings: {temperature: -70x2 -55x20}
    parameters: {setpoint: -72}
    expect:
      - {at: 12m, open: []}
      - {at: 13m, open: [temperature_high]}
  - name: comes into service
    service_state: commissioning
    readings: {temperature: -70x20}
    attributes: [{at: 1m, name: firmware, value: "1.2"}]
    expect:
      - {at: 5m, open: [], service_state: in_service}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "freezer.rules.test.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_comes_as_expected_passes(tmp_path: Path) -> None:
    report = run_test_file(write(tmp_path, GOOD), SHIPPED)
    assert report.passed
    assert [result.name for result in report.results] == ["warm", "comes into service"]


def test_what_comes_otherwise_is_told_with_the_line_of_the_test(tmp_path: Path) -> None:
    text = GOOD.replace("at: 12m, open: []", "at: 12m, open: [silent]").replace("in_service}", "out_of_service}")
    report = run_test_file(write(tmp_path, text), SHIPPED)
    assert not report.passed
    assert [result.line for result in report.results] == [3, 9]
    assert [result.failures for result in report.results] == [
        ("at 12 min: expected silent open, got nothing",),
        ("at 5 min: expected the device out_of_service, it is in_service",),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("temperature: -70x2", "temprature: -70x2", 4, "no 'temprature'; did you mean 'temperature'?"),
        ("setpoint", "setpont", 5, "no 'setpont'; did you mean 'setpoint'?"),
        ("[temperature_high]", "[temperature_hgh]", 8, "no rule 'temperature_hgh'; did you mean 'temperature_high'?"),
        ("-55x20", "-55*20", 4, "'-55*20' is no series item"),
        ("{temperature: -70x2 -55x20}", "{temperature: 0x20}", 4, "put the series in quotes"),
        ("expect:\n      - {at: 12m", "expects:\n      - {at: 12m", 6, "no such key; did you mean 'expect'?"),
        ("setpoint: -72}", "setpoint: -72}\n    facts: {setpoint: {12: -70}}", 6, "'12' is not a duration"),
        (
            "setpoint: -72}",
            "setpoint: -72}\n    facts: {setpiont: {1m: -70}}",
            6,
            "no 'setpiont'; did you mean 'setpoint'?",
        ),
        ("parameters: {setpoint: -72}", "start: 9999-12-31T23:59:00Z", 3, "it goes on beyond the year 9990"),
        ("parameters: {setpoint: -72}", "start: 2026-02-30T10:00:00Z", 5, "looks like a timestamp and is none"),
        ("-55x20", "-55x99999999999", 4, "there are more than 1,000,000 values"),
        ("product: freezer", "product: frezer", 1, "no product 'frezer'; did you mean 'freezer'?"),
    ],
)
def test_what_cannot_be_run_is_told_by_line(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    report = run_test_file(write(tmp_path, GOOD.replace(old, new, 1)), SHIPPED)
    assert not report.passed
    assert report.results == ()
    assert any(found.line == line and problem in found.message for found in report.problems), report.problems
