"""Which strategy: her choice, bounded by her consents and her mandates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.engage.strategy import decide
from iot_service.model.customer import Agreement, Mandate, Purpose, Strategy
from iot_service.model.need import NeedKind
from iot_service.model.work import SubscriptionState

RESPOND, CURATE, COACH, AUTOMATE = Strategy
SERVICE, FAULT, REFILL, OPPORTUNITY = NeedKind
ACTIVE, PAUSED = SubscriptionState.ACTIVE, SubscriptionState.PAUSED


def agreement(
    kind: NeedKind,
    chosen: Strategy | None,
    *consents: Purpose,
    mandate: bool = False,
    max_price: int | None = None,
) -> Agreement:
    return Agreement(
        consents=frozenset(consents),
        strategies={kind: chosen} if chosen else {},
        mandates={kind: Mandate(kind, max_price, timedelta(hours=24))} if mandate else {},
    )


DATA, ADS = Purpose.SERVICE_DATA, Purpose.MARKETING


@pytest.mark.parametrize(
    ("kind", "agreed", "strategy", "because"),
    [
        (SERVICE, agreement(SERVICE, None, DATA), COACH, "chose no strategy"),
        (SERVICE, agreement(SERVICE, None), RESPOND, "did not consent"),
        (SERVICE, agreement(SERVICE, RESPOND, DATA), RESPOND, "chose respond"),
        (SERVICE, agreement(SERVICE, CURATE, DATA), CURATE, "chose curate"),
        (SERVICE, agreement(SERVICE, COACH, DATA), COACH, "chose coach"),
        (SERVICE, agreement(SERVICE, COACH), CURATE, "without consent"),
        (SERVICE, agreement(SERVICE, RESPOND), RESPOND, "chose respond"),
        (SERVICE, agreement(SERVICE, AUTOMATE, DATA, mandate=True), AUTOMATE, "chose automate"),
        (SERVICE, agreement(SERVICE, AUTOMATE, mandate=True), CURATE, "without consent"),
        (SERVICE, agreement(SERVICE, AUTOMATE, DATA), COACH, "gave no mandate"),
        (SERVICE, agreement(SERVICE, AUTOMATE, DATA, mandate=True, max_price=89000), AUTOMATE, "chose automate"),
        (
            SERVICE,
            agreement(SERVICE, AUTOMATE, DATA, mandate=True, max_price=88999),
            COACH,
            "NOK 890.00 is more than her mandate's NOK 889.99",
        ),
        (FAULT, agreement(SERVICE, AUTOMATE, DATA, mandate=True), COACH, "chose no strategy for fault needs"),
        (OPPORTUNITY, agreement(OPPORTUNITY, COACH, DATA), RESPOND, "did not consent to marketing"),
        (OPPORTUNITY, agreement(OPPORTUNITY, COACH, DATA, ADS), COACH, "chose coach"),
    ],
)
def test_her_choice_stands_within_what_she_agreed_to(
    kind: NeedKind, agreed: Agreement, strategy: Strategy, because: str
) -> None:
    decision = decide(kind, agreed, price=89000)
    assert decision.strategy is strategy
    assert because in decision.reason


@pytest.mark.parametrize(
    ("subscription", "agreed", "strategy", "because"),
    [
        (ACTIVE, agreement(REFILL, None), AUTOMATE, "has an active subscription"),
        (ACTIVE, agreement(REFILL, AUTOMATE), AUTOMATE, "has an active subscription"),
        (ACTIVE, agreement(REFILL, COACH), COACH, "under her active subscription"),
        (ACTIVE, agreement(REFILL, CURATE, DATA), CURATE, "chose curate"),
        (ACTIVE, agreement(REFILL, RESPOND), RESPOND, "chose respond"),
        (PAUSED, agreement(REFILL, AUTOMATE, DATA), CURATE, "her subscription is paused"),
        (None, agreement(REFILL, AUTOMATE, DATA, mandate=True), CURATE, "she has no subscription"),
        (ACTIVE, agreement(REFILL, None, mandate=True, max_price=89000), AUTOMATE, "active subscription"),
        (ACTIVE, agreement(REFILL, None, mandate=True, max_price=500), CURATE, "more than her mandate's NOK 5.00"),
    ],
)
def test_a_refill_follows_the_subscription(
    subscription: SubscriptionState | None, agreed: Agreement, strategy: Strategy, because: str
) -> None:
    decision = decide(REFILL, agreed, price=89000, subscription=subscription)
    assert decision.strategy is strategy
    assert because in decision.reason


def test_what_costs_nothing_is_covered_by_any_mandate() -> None:
    agreed = agreement(FAULT, AUTOMATE, DATA, mandate=True, max_price=0)
    assert decide(FAULT, agreed, price=None).strategy is AUTOMATE
    assert decide(FAULT, agreed, price=0).strategy is AUTOMATE
    assert decide(FAULT, agreed, price=1).strategy is COACH
