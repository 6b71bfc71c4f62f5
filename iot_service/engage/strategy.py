"""Which engagement strategy a need is met with: the customer's choice, bounded by her consents and mandates."""

from __future__ import annotations

from dataclasses import dataclass

from iot_service.model.customer import Agreement, Purpose, Strategy
from iot_service.model.need import NeedKind
from iot_service.model.work import SubscriptionState

DEFAULT = Strategy.COACH
"""Where she consented to the use of service data and chose nothing: she is asked before she thinks of it, she decides,
and nothing costs anything until she does. Without that consent the default is ``respond``."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A strategy, and why, as the beginning of an English sentence."""

    strategy: Strategy
    reason: str


def decide(
    kind: NeedKind,
    agreement: Agreement,
    *,
    price: int | None,
    currency: str = "NOK",
    subscription: SubscriptionState | None = None,
) -> Decision:
    """Return the strategy for a need of ``kind`` that would cost ``price`` (minor units; None: nothing to buy).

    - Without consent ``service_data``: ``curate`` at the most, for she is not addressed because of her data.
    - ``automate`` takes a mandate for the kind that covers the price; otherwise it is ``coach``.
    - An opportunity is a sale: without consent ``marketing`` it waits until she asks (``respond``).
    - A refill follows its ``subscription`` (None: she has none): an active one is her standing agreement to be
      resupplied and to have the drinks counted for it, so it needs neither consent nor mandate, and every order can
      still be cancelled. A mandate for refills, where she gave one, caps the price of an order.
    """
    if kind is NeedKind.REFILL:
        return _refill(agreement, price=price, currency=currency, subscription=subscription)
    if kind is NeedKind.OPPORTUNITY and Purpose.MARKETING not in agreement.consents:
        return Decision(Strategy.RESPOND, "The customer did not consent to marketing")
    chosen = agreement.strategies.get(kind)
    if Purpose.SERVICE_DATA not in agreement.consents:
        return _without_consent(kind, chosen)
    if chosen is None:
        return Decision(DEFAULT, f"The customer chose no strategy for {kind} needs, and {DEFAULT} leaves it to her")
    if chosen is Strategy.AUTOMATE and (lacking := _not_covered(kind, agreement, price, currency)):
        return Decision(Strategy.COACH, f"The customer chose automate for {kind} needs, but {lacking}")
    return Decision(chosen, f"The customer chose {chosen} for {kind} needs")


def _without_consent(kind: NeedKind, chosen: Strategy | None) -> Decision:
    if chosen is None:
        return Decision(Strategy.RESPOND, "The customer did not consent to the use of service data")
    if chosen in {Strategy.COACH, Strategy.AUTOMATE}:
        return Decision(
            Strategy.CURATE, f"The customer chose {chosen} for {kind} needs, but without consent to use service data"
        )
    return Decision(chosen, f"The customer chose {chosen} for {kind} needs")


def _refill(
    agreement: Agreement, *, price: int | None, currency: str, subscription: SubscriptionState | None
) -> Decision:
    chosen = agreement.strategies.get(NeedKind.REFILL)
    if chosen in {Strategy.RESPOND, Strategy.CURATE}:
        return Decision(chosen, f"The customer chose {chosen} for refill needs")
    if subscription is not SubscriptionState.ACTIVE:
        state = f"her subscription is {subscription}" if subscription else "she has no subscription"
        return Decision(Strategy.CURATE, f"The customer is not resupplied by itself: {state}")
    mandate = agreement.mandates.get(NeedKind.REFILL)
    if mandate is not None and (lacking := _not_covered(NeedKind.REFILL, agreement, price, currency)):
        return Decision(Strategy.CURATE, f"The customer has an active subscription, but {lacking}")
    if chosen is Strategy.COACH:
        return Decision(chosen, "The customer chose coach for refill needs, under her active subscription")
    return Decision(Strategy.AUTOMATE, "The customer has an active subscription")


def _not_covered(kind: NeedKind, agreement: Agreement, price: int | None, currency: str) -> str | None:
    """Return what the customer's mandate lacks, as half a sentence; None where it covers the price."""
    mandate = agreement.mandates.get(kind)
    if mandate is None:
        return f"gave no mandate for {kind} needs"
    if mandate.max_price is not None and price is not None and price > mandate.max_price:
        return f"{_money(price, currency)} is more than her mandate's {_money(mandate.max_price, currency)}"
    return None


def _money(amount: int, currency: str) -> str:
    return f"{currency} {amount / 100:.2f}"
