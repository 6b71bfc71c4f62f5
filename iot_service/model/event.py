"""The event log: every change of state is one event; consumers get a to-do row each for those they act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """What happened. The part before the dot names the thing that changed."""

    DEVICE_ONLINE = "device.online"
    DEVICE_OFFLINE = "device.offline"
    DEVICE_IN_SERVICE = "device.in_service"
    DEVICE_COMMISSIONING = "device.commissioning"
    DEVICE_OUT_OF_SERVICE = "device.out_of_service"
    DEVICE_DISABLED = "device.disabled"
    DEVICE_ENABLED = "device.enabled"
    DEVICE_MOVED = "device.moved"
    DEVICE_SERVICED = "device.serviced"
    DEVICE_CREDENTIALS_ISSUED = "device.credentials_issued"
    DEVICE_ALIAS_ADDED = "device.alias_added"
    DEVICE_ALIAS_REMOVED = "device.alias_removed"
    CLAIM_REFUSED = "claim.refused"
    CLAIM_KEY_CREATED = "claim_key.created"
    CLAIM_KEY_REVOKED = "claim_key.revoked"
    GATEWAY_CREATED = "gateway.created"
    GATEWAY_CHANGED = "gateway.changed"
    GATEWAY_CREDENTIALS_ISSUED = "gateway.credentials_issued"
    GATEWAY_DISABLED = "gateway.disabled"
    GATEWAY_ENABLED = "gateway.enabled"
    NEED_OPENED = "need.opened"
    NEED_RESOLVED = "need.resolved"
    NEED_WITHDRAWN = "need.withdrawn"
    NEED_ACKNOWLEDGED = "need.acknowledged"
    NEED_SNOOZED = "need.snoozed"
    NEED_ENGAGED = "need.engaged"
    NEED_ESCALATED = "need.escalated"
    NEED_DEESCALATED = "need.deescalated"
    NEED_HELD_BACK = "need.held_back"
    NEED_JOINED = "need.joined"
    NEED_LEFT = "need.left"
    MAINTENANCE_PLANNED = "maintenance.planned"
    MAINTENANCE_ENDED = "maintenance.ended"
    PROPOSAL_SENT = "proposal.sent"
    PROPOSAL_ACCEPTED = "proposal.accepted"
    PROPOSAL_DECLINED = "proposal.declined"
    PROPOSAL_EXPIRED = "proposal.expired"
    PROPOSAL_WITHDRAWN = "proposal.withdrawn"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MOVED = "appointment.moved"
    APPOINTMENT_CANCELLED = "appointment.cancelled"
    APPOINTMENT_COMPLETED = "appointment.completed"
    JOB_PLANNED = "job.planned"
    JOB_DISPATCHED = "job.dispatched"
    JOB_ACCEPTED = "job.accepted"
    JOB_DECLINED = "job.declined"
    JOB_NOT_ANSWERED = "job.not_answered"
    JOB_NOBODY_AVAILABLE = "job.nobody_available"
    JOB_EN_ROUTE = "job.en_route"
    JOB_ON_SITE = "job.on_site"
    JOB_COMPLETED = "job.completed"
    JOB_CANCELLED = "job.cancelled"
    ORDER_PENDING = "order.pending"
    ORDER_PLACED = "order.placed"
    ORDER_SHIPPED = "order.shipped"
    ORDER_DELIVERED = "order.delivered"
    ORDER_CANCELLED = "order.cancelled"
    STOCK_CORRECTED = "stock.corrected"
    AREA_CHANGED = "area.changed"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_REVOKED = "consent.revoked"
    STRATEGY_CHOSEN = "strategy.chosen"
    MANDATE_GRANTED = "mandate.granted"
    MANDATE_REVOKED = "mandate.revoked"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    COMMAND_QUEUED = "command.queued"
    COMMAND_SENT = "command.sent"
    COMMAND_REPEATED = "command.repeated"
    COMMAND_ACKNOWLEDGED = "command.acknowledged"
    COMMAND_REFUSED = "command.refused"
    COMMAND_EXPIRED = "command.expired"
    COMMAND_CANCELLED = "command.cancelled"
    COMMAND_ANSWERED_LATE = "command.answered_late"
    RULE_OVERRIDE_SET = "rule_override.set"
    RULE_OVERRIDE_REMOVED = "rule_override.removed"
    DEVICE_GROUP_CHANGED = "device_group.changed"
    DEVICE_GROUP_DELETED = "device_group.deleted"
    DEAD_LETTER_REPLAYED = "dead_letter.replayed"


class Consumer(StrEnum):
    """Who acts on events, each by its own to-do rows."""

    ENGAGE = "engage"
    NOTIFY = "notify"
    RULES = "rules"


CONSUMERS: Mapping[EventType, tuple[Consumer, ...]] = {
    EventType.NEED_OPENED: (Consumer.ENGAGE, Consumer.NOTIFY),
    EventType.NEED_RESOLVED: (Consumer.ENGAGE, Consumer.NOTIFY),
    EventType.NEED_WITHDRAWN: (Consumer.ENGAGE, Consumer.NOTIFY),
    EventType.NEED_ENGAGED: (Consumer.NOTIFY,),
    EventType.NEED_ESCALATED: (Consumer.ENGAGE, Consumer.NOTIFY),
    EventType.PROPOSAL_SENT: (Consumer.NOTIFY,),
    EventType.APPOINTMENT_BOOKED: (Consumer.NOTIFY,),
    EventType.APPOINTMENT_MOVED: (Consumer.NOTIFY,),
    EventType.APPOINTMENT_CANCELLED: (Consumer.NOTIFY,),
    EventType.APPOINTMENT_COMPLETED: (Consumer.RULES,),
    EventType.JOB_DISPATCHED: (Consumer.NOTIFY,),
    EventType.JOB_ACCEPTED: (Consumer.NOTIFY,),
    EventType.JOB_NOBODY_AVAILABLE: (Consumer.NOTIFY,),
    EventType.JOB_EN_ROUTE: (Consumer.NOTIFY,),
    EventType.JOB_COMPLETED: (Consumer.NOTIFY, Consumer.RULES),
    EventType.JOB_CANCELLED: (Consumer.NOTIFY,),
    EventType.ORDER_PENDING: (Consumer.NOTIFY,),
    EventType.ORDER_SHIPPED: (Consumer.NOTIFY,),
    EventType.ORDER_CANCELLED: (Consumer.NOTIFY,),
}
"""Which consumers get a to-do row with an event of this type; types that are not listed are only kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log, as written.

    ``subject_id`` is the id of the thing that changed, as text; ``old`` and ``new`` are its states. ``reason`` says why
    in one English sentence. ``data`` holds ids and figures, never personal data, so that a person can be erased while
    the log stays. ``id`` is 0 until the database has given one.
    """

    type: EventType
    at: datetime
    subject_id: str
    reason: str
    device_id: str | None = None
    customer_id: str | None = None
    need_id: int | None = None
    old: str | None = None
    new: str | None = None
    actor: str = "service"
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
