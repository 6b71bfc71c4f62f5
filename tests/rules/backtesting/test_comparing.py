"""Two versions of rules, need by need."""

from __future__ import annotations

import pytest

from iot_service.model.need import Severity
from iot_service.rules.backtesting.comparing import compare
from iot_service.rules.backtesting.findings import FoundNeed
from tests.rules.backtesting.past import MINUTE, need
from tests.rules.telemetry import START

END = START + 1000 * MINUTE


def test_the_same_needs_are_no_change() -> None:
    needs = [need(1, 2), need(5, None), need(1, 3, rule="cold")]
    comparison = compare(needs, needs)
    assert comparison.is_empty
    assert len(comparison.same) == 3


@pytest.mark.parametrize(
    ("old", "new", "gone", "added", "changed"),
    [
        ([need(1, 2)], [], 1, 0, 0),
        ([], [need(1, 2)], 0, 1, 0),
        ([need(1, 2)], [need(2, 3)], 1, 1, 0),
        ([need(1, 4)], [need(2, 5)], 0, 0, 1),
        ([need(1, 9)], [need(2, 3), need(4, 5)], 0, 1, 1),
        ([need(1, 3), need(4, 6)], [need(1, 6)], 1, 0, 1),
        ([need(1, None)], [need(1, 5), need(7, None)], 0, 1, 1),
        ([need(1, 3)], [need(1, 3, rule="cold")], 1, 1, 0),
        ([need(5, 5)], [need(5, 5)], 0, 0, 0),
    ],
)
def test_needs_of_one_rule_that_overlap_are_the_same_need(
    old: list[FoundNeed], new: list[FoundNeed], gone: int, added: int, changed: int
) -> None:
    comparison = compare(old, new)
    assert (len(comparison.gone), len(comparison.added), len(comparison.changed)) == (gone, added, changed)


def test_a_need_that_moves_says_by_how_much() -> None:
    (pair,) = compare([need(10, 30)], [need(12, 25)]).changed
    assert pair.opened_later == 2 * MINUTE
    assert pair.resolved_later == -5 * MINUTE
    assert pair.lasts_longer(END) == -7 * MINUTE
    assert pair.moved
    assert pair.regraded is None


def test_a_need_that_is_open_at_the_end_by_one_version_has_no_shift_of_its_end() -> None:
    (pair,) = compare([need(10, 30)], [need(10, None)]).changed
    assert pair.resolved_later is None
    assert pair.lasts_longer(START + 50 * MINUTE) == 20 * MINUTE


def test_another_severity_is_a_change_although_nothing_moves() -> None:
    (pair,) = compare([need(1, 2)], [need(1, 2, severity=Severity.CRITICAL)]).changed
    assert not pair.moved
    assert pair.regraded == (Severity.HIGH, Severity.CRITICAL)
