"""What templates can say: the facts of one event in one person's words, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from iot_service.model.need import Severity
from iot_service.notify.facts import Facts, Row
from iot_service.notify.message import Recipient, RecipientKind
from iot_service.notify.policy import URGENT
from iot_service.notify.words import Words, inner
from iot_service.products.catalog import Catalog
from iot_service.products.model import Text
from iot_service.products.texts import say, say_message

View = dict[str, Any]


def view(facts: Facts, recipient: Recipient, *, catalog: Catalog, link: str | None, now: datetime) -> View:
    """Return the names that a template about ``facts`` may use, in the recipient's language and time zone.

    ``now`` (UTC) tells whether a time is today's. What a rule, a service or a consumable is called comes from the
    catalog, and is its id where the catalog no longer knows it.
    """
    words = Words(recipient.locale, recipient.time_zone)
    names: View = {
        "name": recipient.name,
        "link": link,
        "for_customer": recipient.kind is RecipientKind.CUSTOMER,
        "device": facts.device["name"],
        "device_id": facts.device["id"],
        "site": facts.device["site_name"],
        "customer": facts.customer["name"],
        "customer_phone": words.phone(facts.customer["phone"]) if facts.customer["phone"] else None,
        "technician": facts.technician["name"] if facts.technician else None,
    }
    if facts.need is not None:
        names |= _need(facts.need, catalog, words, now)
    describe = _SUBJECTS.get(facts.event.type.partition(".")[0])
    return names if describe is None else names | describe(facts, catalog, words, now)


def _need(need: Row, catalog: Catalog, words: Words, now: datetime) -> View:
    rule = catalog.rules.get(need["product"], {}).get(need["rule"])
    service = catalog.services.get(rule.service) if rule and rule.service else None
    on_site = service is not None and service.place == "site"

    product = catalog.products.get(need["product"])

    def told(text: Text) -> str:
        return say(text, words.locale, need["evidence"], product)

    return {
        "title": told(rule.title) if rule else need["rule"],
        "message": say_message(rule, words.locale, need["evidence"], product) if rule else None,
        "advice": told(rule.advice) if rule and rule.advice else None,
        "service": inner(words.pick(service.name)) if service else None,
        "since": words.moment(need["opened_at"], now=now),
        "until": words.moment(need["closed_at"], now=now) if need["closed_at"] else None,
        "severity": need["severity"],
        "urgent": need["severity"] in URGENT,
        "technician_sought": on_site and need["severity"] == Severity.CRITICAL,
    }


def _visit(facts: Facts, catalog: Catalog, words: Words, _: datetime) -> View:
    visit = facts.subject
    services = [inner(_service(name, catalog, words)) for name in visit["services"]]
    expires = visit.get("expires_at")
    return {
        "services": words.joined(services),
        "starts": words.full(visit["starts_at"]),
        "starts_day": words.day(visit["starts_at"]),
        "starts_short": words.short(visit["starts_at"]),
        "ends_time": words.time(visit["ends_at"]),
        "price": words.money(visit["price"], visit["currency"]),
        "workshop": visit["workshop_name"],
        "workshop_address": visit["workshop_address"],
        "workshop_phone": words.phone(visit["workshop_phone"]) if visit["workshop_phone"] else None,
        "expires": words.full(expires) if expires else None,
        "expires_short": words.short(expires) if expires else None,
    }


def _job(facts: Facts, catalog: Catalog, words: Words, now: datetime) -> View:
    job = facts.subject
    comes = None if job["travel_minutes"] is None else _about(facts.event.at + timedelta(minutes=job["travel_minutes"]))
    return {
        "job_id": job["id"],
        "service": inner(_service(job["service"], catalog, words)),
        "job_site": job["site_name"],
        "job_address": job["site_address"],
        "answer_by": words.moment(job["answer_by"], now=now) if job["answer_by"] else None,
        "comes": words.moment(comes, now=now) if comes else None,
        "severity": job["severity"],
        "urgent": job["severity"] in URGENT,
    }


def _about(at: datetime) -> datetime:
    """Round up to five minutes: nobody drives to the minute."""
    return at + (datetime.min.replace(tzinfo=at.tzinfo) - at) % timedelta(minutes=5)


def _order(facts: Facts, catalog: Catalog, words: Words, now: datetime) -> View:
    order = facts.subject
    product = catalog.products.get(facts.device["product"])
    consumable = product.consumables.get(order["consumable"]) if product else None
    name = inner(words.pick(consumable.name)) if consumable else order["consumable"]
    cancel = order["cancel_until"] if order["state"] == "pending" and order["cancel_until"] > now else None
    return {
        "consumable": name,
        "goods": f"{words.number(order['quantity'])} {name}",
        "packs": order["packs"],
        "price": words.money(order["price"], order["currency"]),
        "cancel_until": words.full(cancel) if cancel else None,
        "cancel_until_short": words.short(cancel) if cancel else None,
        "deliver_by": words.day(order["deliver_by"]),
    }


def _service(service_id: str, catalog: Catalog, words: Words) -> str:
    service = catalog.services.get(service_id)
    return words.pick(service.name) if service else service_id


_SUBJECTS: Mapping[str, Callable[[Facts, Catalog, Words, datetime], View]] = {
    "appointment": _visit,
    "proposal": _visit,
    "job": _job,
    "order": _order,
}
"""What describes the subject of an event, by the part of its type before the dot; a need is described in any case."""
