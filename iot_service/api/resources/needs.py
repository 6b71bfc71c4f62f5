"""Needs: what the rules detected, why, and what people say to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.events import EventOutput
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.customers.fields import Reason
from iot_service.customers.inputs import Input
from iot_service.db import Connection
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.customer import Strategy
from iot_service.model.need import NeedKind, NeedState, Severity
from iot_service.rules import needs

router = resource("needs")
_MOST_EVENTS = 200


class NeedOutput(BaseModel):
    """One need, with the values that showed it; ``strategy_reason`` says why it was answered as it was.

    ``rule_version`` is the version of the rule that opened it, null for needs from before versions were recorded.
    Where the devices of a site share it, ``parent_id`` is the need that stands for this one (null: it stands for
    itself), ``children`` on how many other devices it is open, ``devices`` on how many it was found in all, and
    ``cleared_at`` since when its own device has recovered though others have not.
    """

    id: int
    device_id: str
    customer_id: str
    product: str
    rule: str
    rule_version: int | None
    kind: NeedKind
    severity: Severity
    state: NeedState
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    evidence: dict[str, Any]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    strategy: Strategy | None
    strategy_reason: str | None
    parent_id: int | None
    cleared_at: datetime | None
    children: int
    devices: int


class NeedWithEvents(NeedOutput):
    """One need with all that followed from it, oldest first."""

    events: list[EventOutput]


class ReasonInput(Input):
    """Why, in one sentence."""

    reason: Reason


class SnoozeInput(ReasonInput):
    """Until when operators do not want to hear of it again, and why."""

    until: AwareDatetime


@router.get("")
def list_needs(
    connection: Transaction,
    paging: AtPage,
    device_id: str | None = None,
    customer_id: str | None = None,
    state: NeedState | None = None,
    kind: NeedKind | None = None,
    parent_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    joined: bool | None = None,
) -> Page[NeedOutput]:
    """List needs, newest first; ``joined`` are those that another one stands for, or only the others."""
    rows = QUERIES["needs"].all(
        connection,
        device_id=device_id,
        customer_id=customer_id,
        state=state,
        kind=kind,
        parent_id=parent_id,
        joined=joined,
        before=paging.before,
        limit=paging.fetch,
    )
    return paging.page([NeedOutput(**row) for row in rows], lambda need: need.id)


@router.get("/{need_id}")
def get_need(connection: Transaction, need_id: BigId) -> NeedWithEvents:
    """Return one need, with its evidence and its events."""
    return _need(connection, need_id)


@router.post("/{need_id}/acknowledge")
def acknowledge(connection: Transaction, principal: Current, now: Now, need_id: BigId) -> NeedWithEvents:
    """Record that somebody has seen the need and takes care of it."""
    needs.acknowledge(connection, need_id, actor=principal.actor, now=now)
    return _need(connection, need_id)


@router.post("/{need_id}/snooze")
def snooze(connection: Transaction, principal: Current, now: Now, need_id: BigId, body: SnoozeInput) -> NeedWithEvents:
    """Put the need aside for a while: operators are not told again meanwhile, and see it last in their list."""
    if body.until <= now:
        raise InvalidInputError("must lie ahead", field="until")
    needs.snooze(connection, need_id, until=body.until, reason=body.reason, actor=principal.actor, now=now)
    return _need(connection, need_id)


@router.post("/{need_id}/withdraw")
def withdraw(
    connection: Transaction, principal: Current, now: Now, need_id: BigId, body: ReasonInput
) -> NeedWithEvents:
    """Close a need that is none."""
    needs.withdraw(connection, need_id, reason=body.reason, actor=principal.actor, now=now)
    return _need(connection, need_id)


def _need(connection: Connection, need_id: int) -> NeedWithEvents:
    row = QUERIES["need"].first(connection, id=need_id)
    if row is None:
        raise NotFoundError(f"there is no need {need_id}")
    none = {"device_id": None, "customer_id": None, "type": None, "before": None}
    rows = QUERIES["events"].all(connection, **none, need_id=need_id, limit=_MOST_EVENTS)
    return NeedWithEvents(**row, events=[EventOutput(**event) for event in reversed(rows)])
