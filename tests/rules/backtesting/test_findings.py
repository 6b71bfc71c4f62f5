"""Outcomes become needs with a beginning and an end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from iot_service.model.need import Severity
from iot_service.rules.backtesting.findings import Findings, within
from iot_service.rules.outcomes import Outcome, OutcomeKind
from tests.rules.backtesting.past import MINUTE, need
from tests.rules.telemetry import START, rule

SPECS = {"warm": rule("warm")}


def outcome(kind: str, minutes: float, rule_id: str | None = "warm", **over: Any) -> Outcome:
    return Outcome(OutcomeKind(kind), rule_id, START + minutes * MINUTE, f"{kind} at {minutes:g}", {}, **over)


def findings(*outcomes: Outcome) -> Findings:
    found = Findings(SPECS)
    found.take(outcomes)
    return found


def test_a_need_has_its_opening_and_its_end_with_the_reasons_of_both() -> None:
    found = findings(outcome("opened", 1), outcome("resolved", 4)).needs
    assert [(each.opened, each.resolved, each.why, each.why_resolved) for each in found] == [
        (START + MINUTE, START + 4 * MINUTE, "opened at 1", "resolved at 4")
    ]


def test_a_need_that_does_not_resolve_lasts_up_to_the_end() -> None:
    (still,) = findings(outcome("opened", 1)).needs
    assert still.resolved is None
    assert still.lasted(START + 10 * MINUTE) == 9 * MINUTE
    assert still.lasted(START) == timedelta(0)


def test_outcomes_of_rules_that_nobody_asked_about_are_left_out() -> None:
    found = findings(outcome("opened", 1, "silent"), outcome("in_service", 2, None))
    assert found.needs == []
    assert [(note.kind, note.text) for note in found.notes] == [("in service", "in_service at 2")]


def test_a_need_that_becomes_graver_says_when_and_how_grave_it_ever_was() -> None:
    (graver,) = findings(
        outcome("opened", 1, severity=Severity.NORMAL),
        outcome("severity", 2, severity=Severity.CRITICAL),
        outcome("severity", 3, severity=Severity.HIGH),
        outcome("resolved", 4),
    ).needs
    assert graver.severity is Severity.NORMAL
    assert [(change.at, change.severity) for change in graver.changes] == [
        (START + 2 * MINUTE, Severity.CRITICAL),
        (START + 3 * MINUTE, Severity.HIGH),
    ]
    assert graver.gravest is Severity.CRITICAL


def test_a_need_that_was_held_back_is_a_note() -> None:
    found = findings(outcome("held_back", 3))
    assert found.needs == []
    assert [(note.kind, note.rule) for note in found.notes] == [("held back", "warm")]


def test_what_was_open_at_any_instant_of_a_span_is_within_it() -> None:
    needs = [need(1, 2), need(2, 6), need(5, None), need(9, 11), need(11, 12)]
    assert within(needs, START + 2 * MINUTE, START + 10 * MINUTE) == needs[1:4]
