"""Needs that the devices of a site share: a power cut at a site is one need, not one per freezer.

The need of the first device is the parent, and the only one that is answered; those of the others are its children.
A child is over by itself. The parent is over when its own device and all the others are. Whoever changes any of them
holds the site first.
"""

from __future__ import annotations

from datetime import datetime

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedState, Severity
from iot_service.rules.need_rows import NeedRow, insert_need, need_row, open_need, record_need
from iot_service.rules.outcomes import Outcome
from iot_service.rules.store import QUERIES, Claimed
from iot_service.rules.versions.version import RuleInForce

_OPEN, _RESOLVED = NeedState.OPEN.value, NeedState.RESOLVED.value


def open_shared(connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, *, now: datetime) -> bool:
    """Open what ``device``, which stands at a site, shares with others there; return whether that is a new need.

    It is not where it joins another device's need, nor where the device has that need already.
    """
    assert device.site_id is not None, "only devices at a site share needs"
    QUERIES["lock_site"].first(connection, site_id=device.site_id)
    own = open_need(connection, device.device_id, rule.spec.id)
    if own is not None:
        if own.cleared_at is not None:
            QUERIES["set_cleared"].run(connection, id=own.id, cleared_at=None)
            _record(connection, EventType.NEED_JOINED, outcome, rule, own, new=_OPEN, now=now)
            if outcome.severity is not None:
                QUERIES["set_own_severity"].run(connection, id=own.id, severity=outcome.severity.value)
            _weigh(connection, own.id, outcome, rule, now=now)
        return False
    place = {"site_id": device.site_id, "customer_id": device.customer_id, "product": device.product}
    parent = need_row(QUERIES["shared_need"].first(connection, **place, rule=rule.spec.id))
    need_id = insert_need(
        connection, device, outcome, rule, now=now, site_id=device.site_id, parent_id=parent.id if parent else None
    )
    opened = open_need(connection, device.device_id, rule.spec.id)
    if need_id is None or opened is None:
        return False
    kind = EventType.NEED_OPENED if parent is None else EventType.NEED_JOINED
    _record(connection, kind, outcome, rule, opened, old=None, new=_OPEN, now=now)
    if parent is not None:
        QUERIES["count_devices"].one(connection, id=parent.id, at=outcome.at.isoformat())
        _weigh(connection, parent.id, outcome, rule, now=now)
    else:
        QUERIES["set_own_severity"].run(connection, id=opened.id, severity=opened.severity.value)
    return parent is None


def resolve_shared(
    connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, *, now: datetime
) -> bool:
    """Let ``device`` have a shared need no longer; return whether it had one."""
    seen = open_need(connection, device.device_id, rule.spec.id)
    if seen is None or seen.site_id is None:
        return False
    QUERIES["lock_site"].first(connection, site_id=seen.site_id)
    own = open_need(connection, device.device_id, rule.spec.id)
    if own is None or own.cleared_at is not None:
        return False
    if own.parent_id is not None:
        _close(connection, own, NeedState.RESOLVED, outcome.at)
        _record(connection, EventType.NEED_LEFT, outcome, rule, own, new=_RESOLVED, now=now)
        finish_parent(connection, own.parent_id, reason=outcome.reason, at=outcome.at, now=now)
        _weigh(connection, own.parent_id, outcome, rule, now=now)
    elif others := open_children(connection, own.id)[0]:
        QUERIES["set_cleared"].run(connection, id=own.id, cleared_at=outcome.at)
        reason = f"{outcome.reason}; it stays open for {_devices(others)} more at this site"
        _record(connection, EventType.NEED_LEFT, outcome, rule, own, new=_OPEN, now=now, reason=reason)
        _weigh(connection, own.id, outcome, rule, now=now)
    else:
        _close(connection, own, NeedState.RESOLVED, outcome.at)
        _record(connection, EventType.NEED_RESOLVED, outcome, rule, own, new=_RESOLVED, now=now)
    return True


def severity_outcome(
    connection: Connection, device: Claimed, outcome: Outcome, rule: RuleInForce, *, now: datetime
) -> bool:
    """Let the open need of ``rule`` on ``device`` be as bad as ``outcome`` says; return whether that is new.

    A shared need is as bad as it is at the worst of its devices.
    """
    seen = open_need(connection, device.device_id, rule.spec.id)
    if seen is not None and seen.site_id is not None:
        QUERIES["lock_site"].first(connection, site_id=seen.site_id)
        seen = open_need(connection, device.device_id, rule.spec.id)
    if seen is None or outcome.severity is None or outcome.severity is seen.own_severity:
        return False
    if seen.site_id is not None and seen.parent_id is None:
        QUERIES["set_own_severity"].run(connection, id=seen.id, severity=outcome.severity.value)
        return _weigh(connection, seen.id, outcome, rule, now=now)
    change_severity(connection, seen, outcome.severity, outcome, rule, now=now)
    if seen.parent_id is not None:
        _weigh(connection, seen.parent_id, outcome, rule, now=now)
    return True


def _weigh(connection: Connection, parent_id: int, outcome: Outcome, rule: RuleInForce, *, now: datetime) -> bool:
    """Let a shared need be as bad as it is at the worst of its devices now; return whether that is new."""
    parent = need_row(QUERIES["parent_need"].first(connection, id=parent_id))
    if parent is None:
        return False
    severities = open_children(connection, parent_id)[1]
    if parent.cleared_at is None:
        severities.append(parent.own_severity)
    worst = max(severities, key=lambda each: each.rank, default=parent.severity)
    if worst is parent.severity:
        return False
    change_severity(connection, parent, worst, outcome, rule, now=now)
    return True


def change_severity(
    connection: Connection, need: NeedRow, severity: Severity, outcome: Outcome, rule: RuleInForce, *, now: datetime
) -> None:
    """Let ``need`` be as bad as ``severity``, and record that it became worse or better."""
    QUERIES["set_severity"].run(connection, id=need.id, severity=severity.value)
    worse = severity.is_worse_than(need.severity)
    record_need(
        connection,
        EventType.NEED_ESCALATED if worse else EventType.NEED_DEESCALATED,
        outcome,
        rule,
        need_id=need.id,
        device_id=need.device_id,
        customer_id=need.customer_id,
        severity=severity,
        old=need.severity.value,
        new=severity.value,
        now=now,
    )


def open_children(connection: Connection, need_id: int) -> tuple[int, list[Severity]]:
    """Return on how many other devices a shared need is open, and how bad it is at each."""
    row = QUERIES["open_children"].one(connection, id=need_id)
    return row["count"], [Severity(each) for each in row["severities"]]


def finish_parent(connection: Connection, parent_id: int, *, reason: str, at: datetime, now: datetime) -> None:
    """Resolve a shared need whose own device has recovered, if no other device has it any more.

    ``reason`` says what became of the last one, at ``at`` (device time, UTC).
    """
    parent = need_row(QUERIES["parent_need"].first(connection, id=parent_id))
    if parent is None or parent.cleared_at is None or open_children(connection, parent_id)[0]:
        return
    _close(connection, parent, NeedState.RESOLVED, at)
    record(
        connection,
        Event(
            type=EventType.NEED_RESOLVED,
            at=now,
            subject_id=str(parent.id),
            device_id=parent.device_id,
            customer_id=parent.customer_id,
            need_id=parent.id,
            old=_OPEN,
            new=_RESOLVED,
            reason=f"It is over at all devices of this site. The last one: {reason}",
            data={"rule": parent.rule, "severity": parent.severity.value, "at": at.isoformat()},
        ),
    )


def _close(connection: Connection, need: NeedRow, state: NeedState, at: datetime) -> None:
    QUERIES["close_need"].run(connection, id=need.id, state=state.value, closed_at=at)


def _record(
    connection: Connection,
    kind: EventType,
    outcome: Outcome,
    rule: RuleInForce,
    need: NeedRow,
    *,
    new: str,
    now: datetime,
    old: str | None = _OPEN,
    reason: str | None = None,
) -> None:
    record_need(
        connection,
        kind,
        outcome,
        rule,
        need_id=need.id,
        device_id=need.device_id,
        customer_id=need.customer_id,
        severity=need.severity,
        old=old,
        new=new,
        now=now,
        reason=reason,
        data={"site_id": need.site_id, "parent_id": need.parent_id},
    )


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"
