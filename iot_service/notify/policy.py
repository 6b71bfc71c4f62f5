"""Who is told what, and how: one table from what happened to messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iot_service.links import LinkPurpose
from iot_service.model.event import EventType
from iot_service.model.need import NeedKind, Severity
from iot_service.notify.message import Channel, RecipientKind

URGENT = frozenset({Severity.HIGH, Severity.CRITICAL})
TECHNICIAN_COMING = frozenset({"accepted", "en_route", "on_site"})
TECHNICIAN_INVOLVED = TECHNICIAN_COMING | {"dispatched"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the policy looks at.

    ``kind`` and ``severity`` are the need's. ``waits``: what was decided is to wait for the customer's visit.
    ``coached``: the customer wants to hear of such needs before she asks.
    ``old`` is the state that the subject of the event had before. ``by_customer``: she did it herself just now, and saw
    the answer. ``outdated``: things have moved on since, so that what the message would say is no longer so.
    ``snoozed``: an operator put the need aside for now.
    """

    kind: NeedKind | None = None
    severity: Severity | None = None
    waits: bool = False
    coached: bool = False
    old: str | None = None
    by_customer: bool = False
    outdated: bool = False
    snoozed: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """One row of the policy: on ``event``, when ``when`` holds, ``recipient`` gets ``template`` through ``channels``.

    ``link`` is what the link in it opens; None where the recipient logs in (operators).
    """

    event: EventType
    recipient: RecipientKind
    template: str
    channels: tuple[Channel, ...]
    link: LinkPurpose | None
    when: Callable[[Circumstances], bool]


def _always(_: Circumstances) -> bool:
    return True


def _current(now: Circumstances) -> bool:
    return not now.outdated


def _current_and_not_snoozed(now: Circumstances) -> bool:
    return not now.outdated and not now.snoozed


def _urgent_fault(now: Circumstances) -> bool:
    return now.kind is NeedKind.FAULT and now.severity in URGENT


def _minor_fault(now: Circumstances) -> bool:
    return now.kind is NeedKind.FAULT and now.severity not in URGENT


def _urgent_fault_now(now: Circumstances) -> bool:
    return _current(now) and _urgent_fault(now)


def _minor_fault_now(now: Circumstances) -> bool:
    return _current(now) and _minor_fault(now)


def _worse_for_her_whom_we_coach(now: Circumstances) -> bool:
    return _current(now) and now.kind is not NeedKind.FAULT and now.coached


def _critical_fault(now: Circumstances) -> bool:
    return now.kind is NeedKind.FAULT and now.severity is Severity.CRITICAL


def _lesser_fault(now: Circumstances) -> bool:
    return now.kind is NeedKind.FAULT and now.severity is not Severity.CRITICAL


def _waits_for_her(now: Circumstances) -> bool:
    """A fault was told when it opened; where something is done, the proposal, appointment or order says it."""
    return now.kind is not NeedKind.FAULT and now.waits


def _technician_was_involved(now: Circumstances) -> bool:
    return now.old in TECHNICIAN_INVOLVED


def _technician_was_coming(now: Circumstances) -> bool:
    return now.old in TECHNICIAN_COMING


def _by_herself(now: Circumstances) -> bool:
    return now.by_customer


def _by_others(now: Circumstances) -> bool:
    return not now.by_customer


_CUSTOMER, _TECHNICIAN, _OPERATOR = RecipientKind.CUSTOMER, RecipientKind.TECHNICIAN, RecipientKind.OPERATOR
_HOME, _PROPOSAL, _APPOINTMENT = LinkPurpose.HOME, LinkPurpose.PROPOSAL, LinkPurpose.APPOINTMENT
_JOB, _ORDER = LinkPurpose.JOB, LinkPurpose.ORDER
_APP = (Channel.APP,)
_APP_SMS = (Channel.APP, Channel.SMS)
_APP_EMAIL = (Channel.APP, Channel.EMAIL)
_ALL = (Channel.APP, Channel.SMS, Channel.EMAIL)

POLICY: tuple[Telling, ...] = (
    Telling(EventType.NEED_OPENED, _CUSTOMER, "fault_urgent", _ALL, _HOME, _urgent_fault_now),
    Telling(EventType.NEED_OPENED, _CUSTOMER, "fault_minor", _APP, _HOME, _minor_fault_now),
    Telling(EventType.NEED_ESCALATED, _CUSTOMER, "need_worse", _ALL, _HOME, _urgent_fault_now),
    Telling(EventType.NEED_ESCALATED, _CUSTOMER, "need_worse", _APP, _HOME, _minor_fault_now),
    Telling(EventType.NEED_ESCALATED, _CUSTOMER, "need_worse", _APP, _HOME, _worse_for_her_whom_we_coach),
    Telling(EventType.NEED_ENGAGED, _CUSTOMER, "need_waiting", _APP, _HOME, _waits_for_her),
    Telling(EventType.NEED_RESOLVED, _CUSTOMER, "fault_over", _APP_SMS, _HOME, _critical_fault),
    Telling(EventType.NEED_RESOLVED, _CUSTOMER, "fault_over", _APP, _HOME, _lesser_fault),
    Telling(EventType.NEED_WITHDRAWN, _CUSTOMER, "fault_withdrawn", _APP_SMS, _HOME, _urgent_fault),
    Telling(EventType.PROPOSAL_SENT, _CUSTOMER, "proposal", _ALL, _PROPOSAL, _current),
    Telling(EventType.APPOINTMENT_BOOKED, _CUSTOMER, "appointment_booked", _ALL, _APPOINTMENT, _current),
    Telling(EventType.APPOINTMENT_MOVED, _CUSTOMER, "appointment_moved", _ALL, _APPOINTMENT, _current),
    Telling(EventType.APPOINTMENT_CANCELLED, _CUSTOMER, "appointment_cancelled", _ALL, _HOME, _always),
    Telling(EventType.JOB_DISPATCHED, _TECHNICIAN, "job_dispatched", _APP_SMS, _JOB, _current),
    Telling(EventType.JOB_ACCEPTED, _CUSTOMER, "technician_accepted", _APP_SMS, _HOME, _current),
    Telling(EventType.JOB_EN_ROUTE, _CUSTOMER, "technician_en_route", _APP_SMS, _HOME, _current),
    Telling(EventType.JOB_COMPLETED, _CUSTOMER, "job_completed", _APP_EMAIL, _HOME, _always),
    Telling(EventType.JOB_CANCELLED, _TECHNICIAN, "job_cancelled", _APP_SMS, _JOB, _technician_was_involved),
    Telling(EventType.JOB_CANCELLED, _CUSTOMER, "technician_cancelled", _APP_SMS, _HOME, _technician_was_coming),
    Telling(EventType.JOB_NOBODY_AVAILABLE, _OPERATOR, "nobody_available", _APP_EMAIL, None, _current_and_not_snoozed),
    Telling(EventType.ORDER_PENDING, _CUSTOMER, "order_pending", _ALL, _ORDER, _current),
    Telling(EventType.ORDER_SHIPPED, _CUSTOMER, "order_shipped", _APP_SMS, _ORDER, _always),
    Telling(EventType.ORDER_CANCELLED, _CUSTOMER, "order_cancelled", _APP, _ORDER, _by_herself),
    Telling(EventType.ORDER_CANCELLED, _CUSTOMER, "order_cancelled", _APP_SMS, _ORDER, _by_others),
)
"""The whole policy. A channel whose address is not known falls away; the app is always there."""


def decide(event: EventType, circumstances: Circumstances) -> list[Telling]:
    """Return the rows of :data:`POLICY` that apply; an empty list means that nobody is told."""
    return [telling for telling in POLICY if telling.event is event and telling.when(circumstances)]
