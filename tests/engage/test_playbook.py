"""What is done about a need."""

from __future__ import annotations

from itertools import product

import pytest

from iot_service.engage.playbook import NOWHERE, PLAYBOOK, SITE, WORKSHOP, Action, choose
from iot_service.model.customer import Strategy
from iot_service.model.need import NeedKind, Severity

EVERYTHING = list(product(NeedKind, Severity, (SITE, WORKSHOP, NOWHERE), Strategy))


@pytest.mark.parametrize(
    ("kind", "severity", "place", "strategy", "action"),
    [
        ("fault", "critical", "site", "respond", Action.DISPATCH),
        ("fault", "critical", "site", "automate", Action.DISPATCH),
        ("fault", "high", "site", "automate", Action.DISPATCH),
        ("fault", "high", "site", "coach", Action.WAIT),
        ("fault", "critical", "nowhere", "automate", Action.NOTHING),
        ("fault", "high", "workshop", "automate", Action.BOOK),
        ("service", "normal", "workshop", "automate", Action.BOOK),
        ("service", "normal", "workshop", "coach", Action.PROPOSE),
        ("service", "normal", "workshop", "curate", Action.WAIT),
        ("service", "normal", "workshop", "respond", Action.WAIT),
        ("service", "normal", "nowhere", "coach", Action.NOTHING),
        ("service", "normal", "site", "automate", Action.WAIT),
        ("refill", "normal", "nowhere", "automate", Action.ORDER),
        ("refill", "normal", "nowhere", "coach", Action.ORDER),
        ("refill", "normal", "nowhere", "curate", Action.WAIT),
        ("refill", "normal", "nowhere", "respond", Action.WAIT),
    ],
)
def test_the_playbook(kind: str, severity: str, place: str, strategy: str, action: Action) -> None:
    assert choose(NeedKind(kind), Severity(severity), place, Strategy(strategy)).action is action


def test_a_critical_fault_at_a_site_is_dispatched_whatever_the_strategy() -> None:
    plays = [choose(NeedKind.FAULT, Severity.CRITICAL, SITE, strategy) for strategy in Strategy]
    assert {play.action for play in plays} == {Action.DISPATCH}
    assert "safety, not a sale" in plays[0].because


def test_every_need_finds_a_row_and_every_row_a_need() -> None:
    assert {choose(*case) for case in EVERYTHING} == set(PLAYBOOK)


def test_nobody_who_leads_herself_finds_something_bought_for_her() -> None:
    bought = {Action.BOOK, Action.ORDER, Action.PROPOSE}
    for case in EVERYTHING:
        if case[3] in {Strategy.RESPOND, Strategy.CURATE}:
            assert choose(*case).action not in bought, case
