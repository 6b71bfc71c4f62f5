"""What a message is about: the rows behind one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iot_service.db import Connection
from iot_service.model.customer import Strategy
from iot_service.model.event import Event, EventType
from iot_service.model.need import NeedKind, NeedState, Severity
from iot_service.notify import store
from iot_service.notify.policy import Circumstances

Row = Mapping[str, Any]

_STILL_SO: Mapping[EventType, frozenset[str]] = {
    EventType.PROPOSAL_SENT: frozenset({"open"}),
    EventType.APPOINTMENT_BOOKED: frozenset({"booked"}),
    EventType.APPOINTMENT_MOVED: frozenset({"booked"}),
    EventType.JOB_DISPATCHED: frozenset({"dispatched"}),
    EventType.JOB_ACCEPTED: frozenset({"accepted", "en_route", "on_site"}),
    EventType.JOB_EN_ROUTE: frozenset({"en_route", "on_site"}),
    EventType.JOB_NOBODY_AVAILABLE: frozenset({"planned", "dispatched"}),
    EventType.ORDER_PENDING: frozenset({"pending", "placed", "shipped", "delivered"}),
}
"""The states of the subject in which a message about the event is still true; other events stay true."""


_HOW_BAD = frozenset({EventType.NEED_OPENED, EventType.NEED_ESCALATED})
_COACHED = frozenset({Strategy.COACH, Strategy.AUTOMATE})


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows behind one event, as the store gives them; None where the event has none of the kind.

    ``subject`` is the thing that changed: the need, appointment, proposal, job or order.
    """

    event: Event
    subject: Row
    customer: Row
    device: Row
    need: Row | None = None
    technician: Row | None = None


def gather(connection: Connection, event: Event) -> Facts:
    """Return the facts behind ``event``. Raises LookupError when its subject, customer or device is not there."""
    subject = store.subject(connection, event.type, int(event.subject_id))
    need_id = subject["id"] if event.type.startswith("need.") else subject["need_id"]
    technician_id = event.data.get("technician_id") or subject.get("technician_id")
    return Facts(
        event=event,
        subject=subject,
        customer=store.customer(connection, subject["customer_id"]),
        device=store.device(connection, subject["device_id"]),
        need=store.need(connection, need_id) if need_id is not None else None,
        technician=store.technician(connection, technician_id) if technician_id is not None else None,
    )


def circumstances(facts: Facts) -> Circumstances:
    """Return what the policy looks at."""
    need, event = facts.need, facts.event
    return Circumstances(
        kind=NeedKind(need["kind"]) if need else None,
        severity=Severity(need["severity"]) if need else None,
        waits=event.data.get("action") == "wait",
        coached=need is not None and need["strategy"] in _COACHED,
        old=event.old,
        by_customer=event.actor.startswith("customer"),
        outdated=_outdated(facts),
        snoozed=need is not None and need["snoozed_until"] is not None and need["snoozed_until"] > event.at,
    )


def _outdated(facts: Facts) -> bool:
    if facts.event.type in _HOW_BAD:
        return _told_otherwise(facts)
    still = _STILL_SO.get(facts.event.type)
    if still is not None and facts.subject["state"] not in still:
        return True
    asked = facts.event.data.get("technician_id")  # by now another one may be asked, or come
    return facts.event.type in {EventType.JOB_DISPATCHED, EventType.JOB_ACCEPTED} and asked not in {
        None,
        facts.subject["technician_id"],
    }


def _told_otherwise(facts: Facts) -> bool:
    """Return whether another message says it: of the need that this one is part of, or that it became worse since."""
    need = facts.subject
    if need["parent_id"] is not None:
        return True
    if need["state"] != NeedState.OPEN:
        return facts.event.type is EventType.NEED_ESCALATED
    said = facts.event.data.get("severity")
    return said is not None and Severity(need["severity"]).is_worse_than(Severity(said))
