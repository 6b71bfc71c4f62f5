from __future__ import annotations

from dataclasses import replace

import pytest

from iot_service.model.event import CONSUMERS, Consumer, EventType
from iot_service.model.need import NeedKind, Severity
from iot_service.notify.message import Channel, RecipientKind
from iot_service.notify.policy import POLICY, Circumstances, decide

APP, SMS, EMAIL = Channel.APP, Channel.SMS, Channel.EMAIL
CRITICAL = Circumstances(kind=NeedKind.FAULT, severity=Severity.CRITICAL)
HIGH = Circumstances(kind=NeedKind.FAULT, severity=Severity.HIGH)
NORMAL = Circumstances(kind=NeedKind.FAULT, severity=Severity.NORMAL)
COACHED = Circumstances(kind=NeedKind.SERVICE, severity=Severity.HIGH, coached=True)
CURRENT, OUTDATED = Circumstances(), Circumstances(outdated=True)


def maintenance(*, waits: bool) -> Circumstances:
    return Circumstances(kind=NeedKind.SERVICE, severity=Severity.NORMAL, waits=waits)


@pytest.mark.parametrize(
    ("event", "circumstances", "told"),
    [
        (EventType.NEED_OPENED, CRITICAL, [("customer", "fault_urgent", {APP, SMS, EMAIL})]),
        (EventType.NEED_OPENED, HIGH, [("customer", "fault_urgent", {APP, SMS, EMAIL})]),
        (EventType.NEED_OPENED, NORMAL, [("customer", "fault_minor", {APP})]),
        (EventType.NEED_OPENED, maintenance(waits=False), []),
        (EventType.NEED_OPENED, replace(CRITICAL, outdated=True), []),
        (EventType.NEED_ESCALATED, CRITICAL, [("customer", "need_worse", {APP, SMS, EMAIL})]),
        (EventType.NEED_ESCALATED, NORMAL, [("customer", "need_worse", {APP})]),
        (EventType.NEED_ESCALATED, replace(CRITICAL, outdated=True), []),
        (EventType.NEED_ESCALATED, maintenance(waits=True), []),
        (EventType.NEED_ESCALATED, COACHED, [("customer", "need_worse", {APP})]),
        (EventType.NEED_ENGAGED, maintenance(waits=True), [("customer", "need_waiting", {APP})]),
        (EventType.NEED_ENGAGED, maintenance(waits=False), []),
        (EventType.NEED_ENGAGED, HIGH, []),
        (EventType.NEED_RESOLVED, CRITICAL, [("customer", "fault_over", {APP, SMS})]),
        (EventType.NEED_RESOLVED, NORMAL, [("customer", "fault_over", {APP})]),
        (EventType.NEED_RESOLVED, maintenance(waits=False), []),
        (EventType.NEED_WITHDRAWN, HIGH, [("customer", "fault_withdrawn", {APP, SMS})]),
        (EventType.NEED_WITHDRAWN, NORMAL, []),
        (EventType.PROPOSAL_SENT, CURRENT, [("customer", "proposal", {APP, SMS, EMAIL})]),
        (EventType.PROPOSAL_SENT, OUTDATED, []),
        (EventType.APPOINTMENT_BOOKED, CURRENT, [("customer", "appointment_booked", {APP, SMS, EMAIL})]),
        (EventType.APPOINTMENT_BOOKED, OUTDATED, []),
        (EventType.APPOINTMENT_MOVED, CURRENT, [("customer", "appointment_moved", {APP, SMS, EMAIL})]),
        (EventType.APPOINTMENT_CANCELLED, CURRENT, [("customer", "appointment_cancelled", {APP, SMS, EMAIL})]),
        (EventType.JOB_DISPATCHED, CURRENT, [("technician", "job_dispatched", {APP, SMS})]),
        (EventType.JOB_DISPATCHED, OUTDATED, []),
        (EventType.JOB_ACCEPTED, CURRENT, [("customer", "technician_accepted", {APP, SMS})]),
        (EventType.JOB_EN_ROUTE, CURRENT, [("customer", "technician_en_route", {APP, SMS})]),
        (EventType.JOB_COMPLETED, CURRENT, [("customer", "job_completed", {APP, EMAIL})]),
        (EventType.JOB_CANCELLED, Circumstances(old="planned"), []),
        (EventType.JOB_CANCELLED, Circumstances(old="dispatched"), [("technician", "job_cancelled", {APP, SMS})]),
        (
            EventType.JOB_CANCELLED,
            Circumstances(old="accepted"),
            [("technician", "job_cancelled", {APP, SMS}), ("customer", "technician_cancelled", {APP, SMS})],
        ),
        (EventType.JOB_NOBODY_AVAILABLE, CURRENT, [("operator", "nobody_available", {APP, EMAIL})]),
        (EventType.JOB_NOBODY_AVAILABLE, OUTDATED, []),
        (EventType.JOB_NOBODY_AVAILABLE, Circumstances(snoozed=True), []),
        (EventType.ORDER_PENDING, CURRENT, [("customer", "order_pending", {APP, SMS, EMAIL})]),
        (EventType.ORDER_SHIPPED, CURRENT, [("customer", "order_shipped", {APP, SMS})]),
        (EventType.ORDER_CANCELLED, CURRENT, [("customer", "order_cancelled", {APP, SMS})]),
        (EventType.ORDER_CANCELLED, Circumstances(by_customer=True), [("customer", "order_cancelled", {APP})]),
        (EventType.DEVICE_ONLINE, CURRENT, []),
    ],
)
def test_each_person_is_told_what_concerns_her(
    event: EventType, circumstances: Circumstances, told: list[tuple[str, str, set[Channel]]]
) -> None:
    assert [(row.recipient, row.template, set(row.channels)) for row in decide(event, circumstances)] == told


def test_everything_is_in_the_inbox() -> None:
    assert [row.template for row in POLICY if Channel.APP not in row.channels] == []


def test_customers_and_technicians_act_by_links_and_operators_log_in() -> None:
    assert {row.recipient for row in POLICY if row.link is None} == {RecipientKind.OPERATOR}


def test_the_policy_has_a_row_for_each_event_that_waits_for_it_and_no_others() -> None:
    waiting = {event for event, consumers in CONSUMERS.items() if Consumer.NOTIFY in consumers}
    assert {row.event for row in POLICY} == waiting
