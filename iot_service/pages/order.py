"""The page of an order: what comes, why, and until when it can be cancelled."""

from __future__ import annotations

from typing import Any

from iot_service.commerce import orders
from iot_service.links import LinkPurpose, Person
from iot_service.model.work import OrderState
from iot_service.pages.store import QUERIES
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit

_COMING = frozenset({OrderState.PENDING, OrderState.PLACED, OrderState.SHIPPED})


def view(visit: Visit, order_id: int) -> dict[str, Any]:
    """Return one of her orders in words. Raises NotFoundError where it is not hers."""
    found = orders.get(visit.connection, order_id, customer_id=visit.person_id)
    device = QUERIES["device"].one(visit.connection, id=found.device_id)
    product = visit.catalog.products.get(device["product"])
    consumable = product.consumables.get(found.consumable) if product else None
    need = QUERIES["need"].first(visit.connection, id=found.need_id)
    in_time = found.state is OrderState.PENDING and visit.now < found.cancel_until
    unit = visit.words.pick(consumable.unit) if consumable else ""
    return {
        "token": visit.token_for(LinkPurpose.ORDER, order_id),
        "what": visit.words.pick(consumable.name) if consumable else found.consumable,
        "amount": visit.say(
            "order.pack" if found.packs == 1 else "order.packs", packs=found.packs, quantity=found.quantity, unit=unit
        ),
        "state": found.state.value,
        "open": in_time,
        "too_late": found.state in _COMING and not in_time,
        "until": visit.full(found.cancel_until),
        "arrives": visit.words.day(found.deliver_by) if found.state in _COMING else "",
        "why": visit.title(need["product"], need["rule"], need["evidence"]) if need else "",
        "device": device["name"],
        "price": visit.words.money(found.price, found.currency),
    }


def _show(visit: Visit) -> Shown:
    shown = view(visit, visit.link.subject_id)
    return Shown("order.html", {"title": visit.say("order.title", device=shown["device"]), "order": shown})


def _cancel(visit: Visit, _form: Form) -> str:
    orders.cancel(
        visit.connection, visit.link.subject_id, customer_id=visit.person_id, actor=visit.actor, now=visit.now
    )
    return "cancelled"


PAGE = LinkedPage(Person.CUSTOMER, _show, {"cancel": _cancel})
"""What a link of purpose ORDER opens."""
