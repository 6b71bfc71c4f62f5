"""One visit to a page: whose link it is, what it is for, and what a page needs to show or do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from iot_service.config import Settings
from iot_service.db import Connection
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.links import Link, LinkPurpose, Links, Person
from iot_service.model.customer import Locale
from iot_service.model.work import Slot
from iot_service.notify.words import Words
from iot_service.pages.store import QUERIES
from iot_service.pages.texts import say
from iot_service.products.catalog import Catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.texts import say as say_text
from iot_service.products.texts import say_message


@dataclass(frozen=True, slots=True)
class Form:
    """What a person sent: the button she pressed, and what belongs to it; all text, empty where it is missing."""

    action: str = ""
    starts_at: str = ""
    need: str = ""

    def time(self) -> datetime:
        """Return ``starts_at`` as an aware time. Raises InvalidInputError where it is none."""
        try:
            at = datetime.fromisoformat(self.starts_at)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise InvalidInputError("choose one of the times", field="starts_at")
        return at

    def need_id(self) -> int:
        """Return ``need`` as an id. Raises InvalidInputError where it is none."""
        if not self.need.isdecimal() or len(self.need) > 18:
            raise InvalidInputError("choose one of the times", field="need")
        return int(self.need)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page works with: a transaction, the time, the link and who holds it."""

    connection: Connection
    catalog: Catalog
    settings: Settings
    links: Links
    now: datetime
    link: Link
    token: str
    name: str
    locale: Locale
    words: Words = field(repr=False)
    home: str = ""
    before: int | None = None

    @property
    def person_id(self) -> str:
        """The customer or technician whose link it is."""
        return self.link.person_id

    @property
    def actor(self) -> str:
        """How the event log names her."""
        return f"{'customer' if self.link.person is Person.CUSTOMER else 'technician'}:{self.link.person_id}"

    @property
    def notice(self) -> timedelta:
        """How far ahead a time must lie to be booked."""
        return self.settings.booking_notice

    def say(self, key: str, **values: object) -> str:
        """Return a text in her language."""
        return say(key, self.locale, **values)

    def full(self, at: datetime) -> str:
        """Return day and time, of which the time is not broken in two at the end of a line."""
        return self.words.full(at).replace("kl. ", "kl.\u00a0")

    def token_for(self, purpose: LinkPurpose, subject_id: int) -> str:
        """Return the token of one of her things, that lasts as long as the link she holds."""
        if self.link.purpose is purpose and self.link.subject_id == subject_id:
            return self.token
        return self.links.token(replace(self.link, purpose=purpose, subject_id=subject_id))

    def rule(self, product: str, rule: str) -> RuleSpec | None:
        """Return what is known of a rule; None for one that has been removed since."""
        return self.catalog.rules.get(product, {}).get(rule)

    def title(self, product: str, rule: str, evidence: Mapping[str, Any]) -> str:
        """Return what people call a need of this rule; ``evidence`` are the values that it saw."""
        return self._told("title", product, rule, evidence) or rule.replace("_", " ")

    def message(self, product: str, rule: str, evidence: Mapping[str, Any]) -> str:
        """Return what was seen, in a sentence; empty where the rule says none."""
        spec = self.rule(product, rule)
        return say_message(spec, self.locale, evidence, self.catalog.products.get(product)) if spec else ""

    def advice(self, product: str, rule: str, evidence: Mapping[str, Any]) -> str:
        """Return what she should do now; empty where the rule says nothing."""
        return self._told("advice", product, rule, evidence)

    def _told(self, field: str, product: str, rule: str, evidence: Mapping[str, Any]) -> str:
        text = getattr(self.rule(product, rule), field, None)
        return say_text(text, self.locale, evidence, self.catalog.products.get(product)) if text is not None else ""

    def device(self, device_id: str) -> str:
        """Return what her device is called."""
        row = QUERIES["device"].first(self.connection, id=device_id)
        return str(row["name"]) if row else device_id

    def services(self, ids: tuple[str, ...] | list[str]) -> str:
        """Return the names of services, as a sentence has them."""
        known = self.catalog.services
        return self.words.joined([self.words.pick(known[name].name) if name in known else name for name in ids])

    def workshop(self, workshop_id: str) -> dict[str, Any]:
        """Return a workshop's name, address and telephone number."""
        row = QUERIES["workshop"].one(self.connection, id=workshop_id)
        return {**row, "phone_text": self.words.phone(row["phone"]) if row["phone"] else ""}

    def slots(self, slots: tuple[Slot, ...] | list[Slot]) -> list[dict[str, str]]:
        """Return times as buttons: what they send, and what they say."""
        return [{"value": slot.starts_at.isoformat(), "text": self.full(slot.starts_at)} for slot in slots]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as it is shown: its template and what stands in it."""

    template: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """What one kind of link opens: how it is shown, and what its buttons do.

    ``act`` maps a form's ``action`` to what does it; that returns what to tell her (a key of ``said.…``). Both raise
    NotFoundError where the thing is not hers, and ``act`` ConflictError where it has moved on.
    """

    person: Person
    show: Callable[[Visit], Shown]
    actions: dict[str, Callable[[Visit, Form], str]] = field(default_factory=dict)


def find_person(connection: Connection, link: Link) -> dict[str, Any]:
    """Return name, locale and time zone of the link's holder. Raises NotFoundError for one who no longer exists."""
    query = QUERIES["customer_person" if link.person is Person.CUSTOMER else "technician_person"]
    row = query.first(connection, id=link.person_id)
    if row is None:
        raise NotFoundError("this link is not valid")
    return row
