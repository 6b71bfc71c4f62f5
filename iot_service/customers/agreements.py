"""What a load file says that a customer agreed to. It never overrides what she, or anybody else, said since."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from iot_service.customers import consent
from iot_service.customers.fields import Line, Span
from iot_service.customers.inputs import Input, Price
from iot_service.db import Connection
from iot_service.model.customer import Mandate, Purpose, Strategy
from iot_service.model.event import EventType
from iot_service.model.need import NeedKind


class ConsentInput(Input):
    """A permission for one purpose, in the words that were agreed to, and where that happened."""

    purpose: Purpose
    wording: Annotated[str, Field(min_length=1, max_length=2000)]
    source: Line


class MandateInput(Input):
    """A standing agreement for one kind of need; ``max_price`` in minor units, per act; nothing means no limit."""

    kind: NeedKind
    max_price: Price | None = None
    cancel_window: Span


class AgreementInput(Input):
    """Consents, a strategy per kind of need, and mandates."""

    consents: list[ConsentInput] = Field(default_factory=list)
    strategies: dict[NeedKind, Strategy] = Field(default_factory=dict)
    mandates: list[MandateInput] = Field(default_factory=list)


def put_agreement(
    connection: Connection, customer_id: str, agreed: AgreementInput, *, actor: str, now: datetime
) -> bool:
    """Record what is new in ``agreed``; return whether anything was.

    A consent, strategy or mandate that somebody else than ``actor`` changed last stays as it is: a file that is loaded
    again must not bring back what a customer revoked.
    """

    def ours(types: tuple[EventType, ...], about: Purpose | NeedKind) -> bool:
        return consent.last_say(connection, customer_id, types, about) in {"", actor}

    changed = False
    for permission in agreed.consents:
        if ours((EventType.CONSENT_GRANTED, EventType.CONSENT_REVOKED), permission.purpose):
            words = {"wording": permission.wording, "source": permission.source}
            changed |= consent.grant(connection, customer_id, permission.purpose, **words, actor=actor, now=now)
    for kind, strategy in agreed.strategies.items():
        if ours((EventType.STRATEGY_CHOSEN,), kind):
            changed |= consent.choose_strategy(connection, customer_id, kind, strategy, actor=actor, now=now)
    for terms in agreed.mandates:
        if ours((EventType.MANDATE_GRANTED, EventType.MANDATE_REVOKED), terms.kind):
            mandate = Mandate(terms.kind, terms.max_price, terms.cancel_window)
            changed |= consent.grant_mandate(connection, customer_id, mandate, actor=actor, now=now)
    return changed
