"""From events to messages: decides by the policy, renders, and writes notifications with their deliveries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from iot_service import clock, logs
from iot_service.db import Connection, Database, events
from iot_service.links import Links
from iot_service.model.customer import Locale
from iot_service.model.event import Consumer, Event, EventType
from iot_service.notify import calendar, policy, store
from iot_service.notify.addressing import link_for
from iot_service.notify.facts import Facts, Row, circumstances, gather
from iot_service.notify.message import Recipient, RecipientKind, Text
from iot_service.notify.policy import Telling
from iot_service.notify.render import render
from iot_service.notify.view import View, view
from iot_service.products.catalog import Catalog

_CALENDAR: Mapping[EventType, Callable[[calendar.CalendarEntry], str]] = {
    EventType.APPOINTMENT_BOOKED: calendar.request,
    EventType.APPOINTMENT_MOVED: calendar.request,
    EventType.APPOINTMENT_CANCELLED: calendar.cancel,
}
"""The events whose messages carry an .ics, and which."""

_log = logs.get(__name__)


class ComposeRunner:
    """Writes the messages that events call for. ``mail_from`` is the address that invitations come from."""

    def __init__(self, database: Database, *, catalog: Catalog, links: Links, mail_from: str) -> None:
        self._database = database
        self._catalog = catalog
        self._links = links
        self._mail_from = mail_from

    def run_once(self) -> int:
        """Handle every event that waits for a message; return how many were handled."""
        return events.work_off(self._database, Consumer.NOTIFY, self._handle)

    def _handle(self, connection: Connection, event: Event) -> None:
        facts = gather(connection, event)
        now = clock.now()
        for telling in policy.decide(event.type, circumstances(facts)):
            recipients = _recipients(connection, telling.recipient, facts)
            if not recipients:
                _log.warning(
                    "there is nobody to tell",
                    action="notification.nobody",
                    event_id=event.id,
                    template=telling.template,
                )
            for recipient in recipients:
                self._write(connection, telling, recipient, facts, now)

    def _write(
        self, connection: Connection, telling: Telling, recipient: Recipient, facts: Facts, now: datetime
    ) -> None:
        link = None
        if telling.link is not None:
            link = link_for(self._links, telling.link, recipient=recipient, subject=facts.subject, now=now)
        names = view(facts, recipient, catalog=self._catalog, link=link, now=now)
        text = render(telling.template, recipient.locale, names)
        store.add_notification(
            connection,
            event_id=facts.event.id,
            recipient=recipient,
            template=telling.template,
            text=text,
            link=link,
            calendar=self._calendar(facts, recipient, text, names),
            channels=telling.channels,
            now=now,
        )

    def _calendar(self, facts: Facts, recipient: Recipient, text: Text, names: View) -> str | None:
        make = _CALENDAR.get(facts.event.type)
        if make is None or recipient.email is None:
            return None
        appointment = facts.subject
        services = names["services"]
        return make(
            calendar.CalendarEntry(
                uid=f"appointment-{appointment['id']}@{self._mail_from.rpartition('@')[2]}",
                sequence=appointment["sequence"],
                starts_at=appointment["starts_at"],
                ends_at=appointment["ends_at"],
                summary=f"{names['device']}: {services}",
                description=text.body,
                location=f"{names['workshop']}, {names['workshop_address']}",
                url=names["link"],
                organizer=self._mail_from,
                attendee=recipient.email,
                written_at=facts.event.at,
            )
        )


def _recipients(connection: Connection, kind: RecipientKind, facts: Facts) -> list[Recipient]:
    if kind is RecipientKind.OPERATOR:
        zone = facts.device["site_time_zone"] or facts.customer["time_zone"]
        return [
            Recipient(kind, str(row["id"]), row["name"], Locale.EN, zone, email=row["email"])
            for row in store.operators(connection)
        ]
    row = facts.customer if kind is RecipientKind.CUSTOMER else facts.technician
    return [_person(kind, row)] if row is not None else []


def _person(kind: RecipientKind, row: Row) -> Recipient:
    return Recipient(
        kind,
        row["id"],
        row["name"],
        Locale(row["locale"]),
        row["time_zone"],
        email=row["email"],
        phone=row["phone"],
    )
