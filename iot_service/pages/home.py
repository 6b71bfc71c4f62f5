"""A customer's own page: what waits for her, her appointments, deliveries, devices and messages."""

from __future__ import annotations

from typing import Any

from iot_service.engage import visits
from iot_service.engage.visits import WaitingNeed
from iot_service.links import Person
from iot_service.model.customer import Strategy
from iot_service.pages import appointment, message, order, proposal
from iot_service.pages.store import QUERIES
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit

_FIRST = 5


def _show(visit: Visit) -> Shown:
    connection, her = visit.connection, {"customer_id": visit.person_id}
    waiting = visits.waiting(connection, visit.person_id, catalog=visit.catalog, now=visit.now, notice=visit.notice)
    proposed = [row["id"] for row in QUERIES["proposals"].all(connection, **her, now=visit.now)]
    booked = [row["id"] for row in QUERIES["appointments"].all(connection, **her, now=visit.now)]
    ordered = [row["id"] for row in QUERIES["orders"].all(connection, **her)]
    messages, older = message.views(visit, before=visit.before)
    values = {
        "name": visit.name,
        "proposals": [proposal.view(visit, proposal_id) for proposal_id in proposed],
        "waiting": [_need(visit, need) for need in waiting if need.proposal_id not in proposed],
        "appointments": [appointment.view(visit, appointment_id) for appointment_id in booked],
        "orders": [order.view(visit, order_id) for order_id in ordered],
        "devices": _devices(visit),
        "messages": messages,
        "older": older,
    }
    return Shown("home.html", values)


def _need(visit: Visit, waiting: WaitingNeed) -> dict[str, Any]:
    need, service = waiting.need, waiting.service
    rule = need.product, need.rule, need.evidence
    slots = visit.slots(waiting.slots)
    price = visit.words.money(service.price, service.currency) if service and service.price else ""
    packs = visit.say("home.order", packs=waiting.packs, price=visit.words.money(waiting.order_price, waiting.currency))
    return {
        "id": need.id,
        "title": visit.title(*rule),
        "message": visit.message(*rule),
        "severity": need.severity.value,
        "device": visit.device(need.device_id),
        "advice": visit.advice(*rule),
        "service": visit.words.pick(service.name) if service else "",
        "price": price,
        "bookable": service is not None and service.place == "workshop",
        "proposes": waiting.strategy is not Strategy.RESPOND,
        "slots": slots[:_FIRST],
        "more_slots": slots[_FIRST:],
        "order": packs if waiting.packs else "",
    }


def _devices(visit: Visit) -> list[dict[str, Any]]:
    needs = QUERIES["open_needs"].all(visit.connection, customer_id=visit.person_id)
    rows = QUERIES["devices"].all(visit.connection, customer_id=visit.person_id)
    products = visit.catalog.products
    return [
        {
            "name": row["name"],
            "product": visit.words.pick(products[row["product"]].name) if row["product"] in products else "",
            "state": row["service_state"],
            "online": row["online"],
            "needs": [
                {"severity": need["severity"], "title": visit.title(need["product"], need["rule"], need["evidence"])}
                for need in needs
                if need["device_id"] == row["id"]
            ],
        }
        for row in rows
    ]


def _book(visit: Visit, form: Form) -> str:
    visits.book(
        visit.connection,
        form.need_id(),
        customer_id=visit.person_id,
        starts_at=form.time(),
        catalog=visit.catalog,
        actor=visit.actor,
        now=visit.now,
        notice=visit.notice,
    )
    return "booked"


def _order(visit: Visit, form: Form) -> str:
    visits.order(
        visit.connection,
        form.need_id(),
        customer_id=visit.person_id,
        catalog=visit.catalog,
        actor=visit.actor,
        now=visit.now,
    )
    return "ordered"


PAGE = LinkedPage(Person.CUSTOMER, _show, {"book": _book, "order": _order})
"""What a customer's link of purpose HOME opens."""
