"""Customers, and what they agreed to."""

from __future__ import annotations

from fastapi import Response

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.customers import consent, store
from iot_service.customers.agreements import ConsentInput, MandateInput
from iot_service.customers.inputs import CustomerInput, Input
from iot_service.errors import NotFoundError
from iot_service.model.customer import Agreement, Consent, Customer, Mandate, Purpose, Strategy
from iot_service.model.need import NeedKind

router = resource("customers")


class StrategyInput(Input):
    """How a customer wants one kind of need to be answered."""

    strategy: Strategy


class AgreementOutput(Input):
    """All that is in force for a customer."""

    consents: list[Purpose]
    strategies: dict[NeedKind, Strategy]
    mandates: list[Mandate]


@router.get("")
def list_customers(connection: Transaction, paging: AtPage) -> Page[Customer]:
    """List customers by id."""
    rows = store.list_customers(connection, after=paging.after, limit=paging.fetch)
    return paging.page(rows, lambda customer: customer.id)


@router.get("/{customer_id}")
def get_customer(connection: Transaction, customer_id: str) -> Customer:
    """Return one customer."""
    return store.get_customer(connection, customer_id)


@router.put("/{customer_id}")
def put_customer(
    connection: Transaction, now: Now, response: Response, customer_id: str, body: CustomerInput
) -> Customer:
    """Create or change a customer."""
    same_id(customer_id, body.id)
    say(response, store.put_customer(connection, body, now=now))
    return store.get_customer(connection, customer_id)


@router.get("/{customer_id}/agreement")
def get_agreement(connection: Transaction, now: Now, customer_id: str) -> AgreementOutput:
    """Return the consents, strategies and mandates in force."""
    store.get_customer(connection, customer_id)
    return _output(consent.agreement(connection, customer_id, now=now))


@router.get("/{customer_id}/consents")
def list_consents(connection: Transaction, customer_id: str) -> list[Consent]:
    """Return every consent the customer ever gave, newest first."""
    store.get_customer(connection, customer_id)
    return consent.consents(connection, customer_id)


@router.post("/{customer_id}/consents")
def grant_consent(
    connection: Transaction, principal: Current, now: Now, customer_id: str, body: ConsentInput
) -> AgreementOutput:
    """Record a consent, with the words that were agreed to."""
    consent.grant(
        connection,
        customer_id,
        body.purpose,
        wording=body.wording,
        source=body.source,
        actor=principal.actor,
        now=now,
    )
    return _output(consent.agreement(connection, customer_id, now=now))


@router.delete("/{customer_id}/consents/{purpose}")
def revoke_consent(
    connection: Transaction, principal: Current, now: Now, customer_id: str, purpose: Purpose
) -> AgreementOutput:
    """Record that the customer takes a consent back."""
    if not consent.revoke(connection, customer_id, purpose, actor=principal.actor, now=now):
        raise NotFoundError(f"no consent for {purpose} is in force")
    return _output(consent.agreement(connection, customer_id, now=now))


@router.put("/{customer_id}/strategies/{kind}")
def choose_strategy(
    connection: Transaction, principal: Current, now: Now, customer_id: str, kind: NeedKind, body: StrategyInput
) -> AgreementOutput:
    """Record which strategy the customer wants for one kind of need."""
    consent.choose_strategy(connection, customer_id, kind, body.strategy, actor=principal.actor, now=now)
    return _output(consent.agreement(connection, customer_id, now=now))


@router.post("/{customer_id}/mandates")
def grant_mandate(
    connection: Transaction, principal: Current, now: Now, customer_id: str, body: MandateInput
) -> AgreementOutput:
    """Record a standing agreement for one kind of need."""
    mandate = Mandate(body.kind, body.max_price, body.cancel_window)
    consent.grant_mandate(connection, customer_id, mandate, actor=principal.actor, now=now)
    return _output(consent.agreement(connection, customer_id, now=now))


@router.delete("/{customer_id}/mandates/{kind}")
def revoke_mandate(
    connection: Transaction, principal: Current, now: Now, customer_id: str, kind: NeedKind
) -> AgreementOutput:
    """Record that the customer takes a mandate back."""
    if not consent.revoke_mandate(connection, customer_id, kind, actor=principal.actor, now=now):
        raise NotFoundError(f"no mandate for {kind} is in force")
    return _output(consent.agreement(connection, customer_id, now=now))


def _output(agreed: Agreement) -> AgreementOutput:
    return AgreementOutput(
        consents=sorted(agreed.consents), strategies=agreed.strategies, mandates=list(agreed.mandates.values())
    )
