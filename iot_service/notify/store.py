"""Messages and deliveries in the database, and the rows that messages are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection, load_queries
from iot_service.model.customer import Locale
from iot_service.model.event import EventType
from iot_service.notify.message import Channel, Outgoing, Recipient, RecipientKind, Text

_QUERIES = load_queries("iot_service.notify")
_SUBJECTS: Mapping[str, str] = {
    "need": "need",
    "appointment": "appointment",
    "proposal": "proposal",
    "job": "job",
    "order": "order",
}
"""The query that fetches the subject of an event, by the part of its type before the dot."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery that this process holds, with the number of this attempt (the first is 1)."""

    message: Outgoing
    attempt: int


def subject(connection: Connection, event: EventType, subject_id: int) -> Mapping[str, Any]:
    """Return the row of the thing that an event is about; raises LookupError where there is none."""
    return _QUERIES[_SUBJECTS[event.partition(".")[0]]].one(connection, id=subject_id)


def customer(connection: Connection, customer_id: str) -> Mapping[str, Any]:
    """Return a customer's row; raises LookupError where there is none."""
    return _QUERIES["customer"].one(connection, id=customer_id)


def device(connection: Connection, device_id: str) -> Mapping[str, Any]:
    """Return a device's row with its site's name and address; raises LookupError where there is none."""
    return _QUERIES["device"].one(connection, id=device_id)


def need(connection: Connection, need_id: int) -> Mapping[str, Any]:
    """Return a need's row; raises LookupError where there is none."""
    return _QUERIES["need"].one(connection, id=need_id)


def technician(connection: Connection, technician_id: str) -> Mapping[str, Any]:
    """Return a technician's row; raises LookupError where there is none."""
    return _QUERIES["technician"].one(connection, id=technician_id)


def operators(connection: Connection) -> list[Mapping[str, Any]]:
    """Return the rows of all operators who may log in."""
    return [*_QUERIES["operators"].all(connection)]


def add_notification(
    connection: Connection,
    *,
    event_id: int,
    recipient: Recipient,
    template: str,
    text: Text,
    link: str | None,
    calendar: str | None,
    channels: Sequence[Channel],
    now: datetime,
) -> int | None:
    """Write one message with its deliveries and return its id; None where this message was written before.

    The app's delivery is sent at once, because the message is the inbox; the others wait for the send runner. A channel
    that does not reach the recipient is left out.
    """
    row = _QUERIES["add_notification"].first(
        connection,
        event_id=event_id,
        recipient_kind=recipient.kind,
        recipient_id=recipient.id,
        template=template,
        locale=recipient.locale,
        subject=text.subject,
        short_text=text.short,
        body=text.body,
        link=link,
        calendar=calendar,
        created_at=now,
    )
    if row is None:
        return None
    for channel in channels:
        address = recipient.address(channel)
        if address is None:
            continue
        there = channel is Channel.APP
        _QUERIES["add_delivery"].run(
            connection,
            notification_id=row["id"],
            channel=channel,
            address=address,
            state="sent" if there else "queued",
            wake_at=None if there else now,
            sent_at=now if there else None,
        )
    return int(row["id"])


def claim_delivery(
    connection: Connection, channels: Sequence[Channel], *, now: datetime, until: datetime
) -> Claim | None:
    """Claim the delivery that waits longest on one of ``channels``, until ``until``; None where none is due."""
    row = _QUERIES["claim_delivery"].first(
        connection, channels=[channel.value for channel in channels], now=now, until=until
    )
    if row is None:
        return None
    return Claim(
        Outgoing(
            delivery_id=row["id"],
            channel=Channel(row["channel"]),
            address=row["address"],
            locale=Locale(row["locale"]),
            text=Text(row["subject"], row["short_text"], row["body"]),
            calendar=row["calendar"],
            written_at=row["written_at"],
        ),
        row["attempts"],
    )


def record_sent(connection: Connection, claim: Claim, *, provider_id: str, now: datetime) -> bool:
    """Write down that a claimed delivery was sent; False where another attempt has begun since."""
    return _finish(connection, claim, state="sent", sent_at=now, provider_id=provider_id or None)


def record_retry(connection: Connection, claim: Claim, *, error: str, wake_at: datetime) -> bool:
    """Write down that a claimed delivery is to be tried again at ``wake_at``; False as in :func:`record_sent`."""
    return _finish(connection, claim, state="queued", wake_at=wake_at, error=error)


def record_failed(connection: Connection, claim: Claim, *, error: str) -> bool:
    """Write down that a claimed delivery is given up; False as in :func:`record_sent`."""
    return _finish(connection, claim, state="failed", error=error)


def _finish(
    connection: Connection,
    claim: Claim,
    *,
    state: str,
    wake_at: datetime | None = None,
    sent_at: datetime | None = None,
    provider_id: str | None = None,
    error: str | None = None,
) -> bool:
    touched = _QUERIES["finish_delivery"].run(
        connection,
        id=claim.message.delivery_id,
        attempts=claim.attempt,
        state=state,
        wake_at=wake_at,
        sent_at=sent_at,
        provider_id=provider_id,
        error=error,
    )
    return touched == 1


def inbox_before(
    connection: Connection, kind: RecipientKind, recipient_id: str, *, before: int, limit: int
) -> list[Mapping[str, Any]]:
    """Return up to ``limit`` message rows of one person with an id below ``before``, newest first."""
    return [
        *_QUERIES["inbox_before"].all(
            connection, recipient_kind=kind, recipient_id=recipient_id, before=before, limit=limit
        )
    ]


def inbox_after(
    connection: Connection, kind: RecipientKind, recipient_id: str, *, after_id: int, limit: int
) -> list[Mapping[str, Any]]:
    """Return up to ``limit`` message rows of one person with an id above ``after_id``, oldest first."""
    return [
        *_QUERIES["inbox_after"].all(
            connection, recipient_kind=kind, recipient_id=recipient_id, after_id=after_id, limit=limit
        )
    ]


def mark_read(
    connection: Connection, notification_id: int, *, kind: RecipientKind, recipient_id: str, now: datetime
) -> bool:
    """Note when one person first read one of her messages; False where she has no such message."""
    touched = _QUERIES["mark_read"].run(
        connection, id=notification_id, recipient_kind=kind, recipient_id=recipient_id, now=now
    )
    return touched == 1
