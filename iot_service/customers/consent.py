"""What a customer agreed to: consents, the strategies she chose, and her mandates. They bound how she may be served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from iot_service.db import Connection, load_queries
from iot_service.db.events import record
from iot_service.errors import NotFoundError
from iot_service.model.customer import Agreement, Consent, Mandate, Purpose, Strategy
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedKind

_QUERIES = load_queries("iot_service.customers")


def agreement(connection: Connection, customer_id: str, *, now: datetime) -> Agreement:
    """Return all that is in force for a customer at ``now`` (UTC), which is not before the newest change.

    Kinds of need that she chose nothing for are missing from ``strategies``. An unknown customer agreed to nothing.
    """
    consents = _QUERIES["consents_in_force"].all(connection, customer_id=customer_id)
    strategies = _QUERIES["strategies"].all(connection, customer_id=customer_id)
    mandates = _QUERIES["mandates_in_force"].all(connection, customer_id=customer_id)
    return Agreement(
        consents=frozenset(Purpose(row["purpose"]) for row in consents if row["granted_at"] <= now),
        strategies={NeedKind(row["kind"]): Strategy(row["strategy"]) for row in strategies},
        mandates={
            NeedKind(row["kind"]): Mandate(NeedKind(row["kind"]), row["max_price"], row["cancel_window"])
            for row in mandates
        },
    )


def consents(connection: Connection, customer_id: str) -> list[Consent]:
    """Return every consent that a customer ever gave, revoked ones too, newest first."""
    rows = _QUERIES["consents"].all(connection, customer_id=customer_id)
    return [Consent(**{**row, "purpose": Purpose(row["purpose"])}) for row in rows]


def grant(
    connection: Connection, customer_id: str, purpose: Purpose, *, wording: str, source: str, actor: str, now: datetime
) -> bool:
    """Record that a customer permits ``purpose`` in the words of ``wording``, said at ``source``.

    A consent with other words ends first. Return False where this one is in force already. Raises NotFoundError for
    an unknown customer.
    """
    _must_exist(connection, customer_id)
    for row in _QUERIES["consents_in_force"].all(connection, customer_id=customer_id):
        if row["purpose"] == purpose and row["wording"] != wording:
            _QUERIES["revoke_consent"].run(connection, customer_id=customer_id, purpose=purpose, now=now)
    granted = _QUERIES["grant_consent"].first(
        connection, customer_id=customer_id, purpose=purpose, wording=wording, source=source, now=now
    )
    if granted is None:
        return False
    reason = f"the customer permits {purpose}"
    _record(
        connection, EventType.CONSENT_GRANTED, customer_id, {"purpose": purpose}, reason=reason, actor=actor, now=now
    )
    return True


def revoke(connection: Connection, customer_id: str, purpose: Purpose, *, actor: str, now: datetime) -> bool:
    """Record that a customer takes her consent for ``purpose`` back. Return False where there was none in force."""
    row = _QUERIES["revoke_consent"].first(connection, customer_id=customer_id, purpose=purpose, now=now)
    if row is None:
        return False
    reason = f"the customer no longer permits {purpose}"
    _record(
        connection, EventType.CONSENT_REVOKED, customer_id, {"purpose": purpose}, reason=reason, actor=actor, now=now
    )
    return True


def choose_strategy(
    connection: Connection, customer_id: str, kind: NeedKind, strategy: Strategy, *, actor: str, now: datetime
) -> bool:
    """Record which strategy a customer wants for one kind of need. Return False where it stands already.

    Raises NotFoundError for an unknown customer.
    """
    _must_exist(connection, customer_id)
    row = _QUERIES["choose_strategy"].first(connection, customer_id=customer_id, kind=kind, strategy=strategy, now=now)
    if row is None:
        return False
    data = {"kind": kind, "strategy": strategy}
    reason = f"the customer wants {kind} needs answered by the strategy {strategy}"
    _record(connection, EventType.STRATEGY_CHOSEN, customer_id, data, reason=reason, actor=actor, now=now)
    return True


def grant_mandate(connection: Connection, customer_id: str, mandate: Mandate, *, actor: str, now: datetime) -> bool:
    """Record a standing agreement; one of the same kind with other terms ends first.

    Return False where the very same is in force. Raises NotFoundError for an unknown customer.
    """
    _must_exist(connection, customer_id)
    terms = {"max_price": mandate.max_price, "cancel_window": mandate.cancel_window}
    for row in _QUERIES["mandates_in_force"].all(connection, customer_id=customer_id):
        if row["kind"] == mandate.kind and {name: row[name] for name in terms} != terms:
            _QUERIES["revoke_mandate"].run(connection, customer_id=customer_id, kind=mandate.kind, now=now)
    granted = _QUERIES["grant_mandate"].first(connection, customer_id=customer_id, kind=mandate.kind, now=now, **terms)
    if granted is None:
        return False
    data = {
        "kind": mandate.kind,
        "max_price": mandate.max_price,
        "cancel_window_seconds": mandate.cancel_window.total_seconds(),
    }
    reason = f"the customer lets the service act by itself on {mandate.kind} needs"
    _record(connection, EventType.MANDATE_GRANTED, customer_id, data, reason=reason, actor=actor, now=now)
    return True


def revoke_mandate(connection: Connection, customer_id: str, kind: NeedKind, *, actor: str, now: datetime) -> bool:
    """Record that a customer takes a mandate back. Return False where there was none in force."""
    if _QUERIES["revoke_mandate"].first(connection, customer_id=customer_id, kind=kind, now=now) is None:
        return False
    reason = f"the customer no longer lets the service act by itself on {kind} needs"
    _record(connection, EventType.MANDATE_REVOKED, customer_id, {"kind": kind}, reason=reason, actor=actor, now=now)
    return True


def last_say(connection: Connection, customer_id: str, types: Iterable[EventType], about: Purpose | NeedKind) -> str:
    """Return who last changed what a customer agreed to about one purpose or kind ("" where nobody did yet)."""
    row = _QUERIES["last_say"].first(connection, customer_id=customer_id, types=list(types), about=about)
    return str(row["actor"]) if row else ""


def _must_exist(connection: Connection, customer_id: str) -> None:
    if _QUERIES["customer"].first(connection, id=customer_id) is None:
        raise NotFoundError(f"there is no customer {customer_id!r}")


def _record(
    connection: Connection,
    event_type: EventType,
    customer_id: str,
    data: Mapping[str, object],
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    event = Event(
        type=event_type, at=now, subject_id=customer_id, customer_id=customer_id, reason=reason, actor=actor, data=data
    )
    record(connection, event)
