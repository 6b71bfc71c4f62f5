"""What people do to needs: acknowledge, snooze and withdraw them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedState
from iot_service.rules.sharing import finish_parent, open_children
from iot_service.rules.store import QUERIES

_OPEN = NeedState.OPEN.value


def acknowledge(connection: Connection, need_id: int, *, actor: str, now: datetime) -> None:
    """Note that ``actor`` has seen the need; who did so first stands.

    Raises NotFoundError when there is no such need, ConflictError when it is not open any more.
    """
    need = _open_need(connection, need_id)
    if need["acknowledged_at"] is not None:
        return
    QUERIES["acknowledge_need"].run(connection, id=need_id, actor=actor, now=now)
    _record(connection, need, EventType.NEED_ACKNOWLEDGED, f"Acknowledged by {actor}", actor=actor, now=now)


def snooze(connection: Connection, need_id: int, *, until: datetime, reason: str, actor: str, now: datetime) -> None:
    """Put the need aside until ``until`` (UTC), and say why.

    Raises InvalidInputError when ``until`` is not in the future or ``reason`` is empty, NotFoundError when there is no
    such need, ConflictError when it is not open any more.
    """
    if until <= now:
        raise InvalidInputError("must be in the future", field="until")
    _check_reason(reason)
    need = _open_need(connection, need_id)
    QUERIES["snooze_need"].run(connection, id=need_id, until=until)
    _record(connection, need, EventType.NEED_SNOOZED, reason, actor=actor, now=now, data={"until": until.isoformat()})


def withdraw(connection: Connection, need_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Close the need because a person says so. Its rule opens no new one before its condition has cleared.

    What other devices of the site have of it is closed with it. Raises InvalidInputError when ``reason`` is empty,
    NotFoundError when there is no such need, ConflictError when it is not open any more.
    """
    _check_reason(reason)
    QUERIES["lock_site_of_need"].first(connection, need_id=need_id)
    need = _open_need(connection, need_id)
    QUERIES["close_need"].run(connection, id=need_id, state=NeedState.WITHDRAWN.value, closed_at=now)
    _record_closed(connection, need, reason, actor=actor, now=now, is_child=need["parent_id"] is not None)
    for child in QUERIES["withdraw_children"].all(connection, id=need_id, now=now):
        _record_closed(connection, child, reason, actor=actor, now=now, is_child=True)
    if need["parent_id"] is not None:
        finish_parent(connection, need["parent_id"], reason=reason, at=now, now=now)


def let_go(connection: Connection, need_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Close the need of a device that leaves service, as :func:`withdraw` does and with what that raises.

    Where other devices of its site share the need it stays open for them, and is theirs alone.
    """
    QUERIES["lock_site_of_need"].first(connection, need_id=need_id)
    others, _ = open_children(connection, need_id)
    if not others:
        withdraw(connection, need_id, reason=reason, actor=actor, now=now)
        return
    need = _open_need(connection, need_id)
    if need["cleared_at"] is None:
        QUERIES["set_cleared"].run(connection, id=need_id, cleared_at=now)
        _record(connection, need, EventType.NEED_LEFT, reason, actor=actor, now=now, old=_OPEN, new=_OPEN)


def _record_closed(
    connection: Connection, need: dict[str, Any], reason: str, *, actor: str, now: datetime, is_child: bool
) -> None:
    kind = EventType.NEED_LEFT if is_child else EventType.NEED_WITHDRAWN
    _record(connection, need, kind, reason, actor=actor, now=now, old=_OPEN, new=NeedState.WITHDRAWN.value)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError("say why", field="reason")


def _open_need(connection: Connection, need_id: int) -> dict[str, Any]:
    need = QUERIES["need"].first(connection, id=need_id)
    if need is None:
        raise NotFoundError(f"There is no need {need_id}.")
    if need["state"] != NeedState.OPEN:
        raise ConflictError(f"Need {need_id} is {need['state']} already.")
    return need


def _record(
    connection: Connection,
    need: dict[str, Any],
    kind: EventType,
    reason: str,
    *,
    actor: str,
    now: datetime,
    old: str | None = None,
    new: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    record(
        connection,
        Event(
            type=kind,
            at=now,
            subject_id=str(need["id"]),
            device_id=need["device_id"],
            customer_id=need["customer_id"],
            need_id=need["id"],
            old=old,
            new=new,
            actor=actor,
            reason=reason,
            data={"rule": need["rule"], **(data or {})},
        ),
    )
