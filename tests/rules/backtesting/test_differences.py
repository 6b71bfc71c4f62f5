"""What another version of rules changes, for people and for programs."""

from __future__ import annotations

from typing import Any

import pytest

from iot_service.model.need import Severity
from iot_service.rules.backtesting.comparing import compare
from iot_service.rules.backtesting.differences import comparison_text, comparison_values, differences
from iot_service.rules.backtesting.findings import FoundNeed
from tests.rules.backtesting.past import judged, need
from tests.rules.telemetry import START, rule, series

SAMPLES = series(temperature="-70x5 -55x20 -70x20 -50x30 -70x10")


def versions(old: float, new: float, **over: str) -> tuple[str, dict[str, Any]]:
    """The rule with another limit, and another hold."""
    before = judged(SAMPLES, [rule("warm", when=f"temperature > {old}"), rule("gone")])
    after = judged(SAMPLES, [rule("warm", when=f"temperature > {new}", **over), rule("added")])
    comparison = compare(before.needs, after.needs)
    return comparison_text(before, after, comparison), comparison_values(after, comparison)


def test_the_table_has_what_is_gone_what_is_new_and_what_moves() -> None:
    text, values = versions(-60, -52, **{"for": "3m"})
    rows = [line.split()[:2] for line in text.splitlines() if line.startswith(("gone", "new", "changed"))]
    assert sorted(rows) == [
        ["changed", "warm"], ["gone", "gone"], ["gone", "gone"], ["gone", "warm"], ["new", "added"], ["new", "added"],
    ]  # fmt: skip
    assert "opens 3 min later; lasts 3 min shorter" in text
    assert "only by the old version: 3, only by the new one: 2, changed: 1, the same: 0" in text
    assert "  new  gone: no such rule" in text
    assert "  old  added: no such rule" in text
    (changed,) = values["changed"]
    assert (changed["opened_later_s"], changed["resolved_later_s"], changed["lasts_longer_s"]) == (180, 0, -180)


def test_nothing_changes_where_the_versions_are_the_same() -> None:
    result = judged(SAMPLES)
    text = comparison_text(result, result, compare(result.needs, result.needs))
    assert "only by the old version: 0, only by the new one: 0, changed: 0, the same: 2" in text
    assert "change  rule" not in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (need(10, 30), need(8, 30), "opens 2 min earlier; lasts 2 min longer"),
        (need(10, 30), need(10, None), "is still open at the end; lasts 30 min longer"),
        (need(10, None), need(10, 30), "resolves, and was open still at the end; lasts 30 min shorter"),
        (need(10, 30), need(11, 31), "opens 1 min later; resolves 1 min later"),
        (need(1, 2), need(1, 2, severity=Severity.LOW), "is low instead of high"),
    ],
)
def test_a_change_in_words(old: FoundNeed, new: FoundNeed, said: str) -> None:
    (pair,) = compare([old], [new]).changed
    assert "; ".join(differences(pair, START.replace(hour=13))) == said
