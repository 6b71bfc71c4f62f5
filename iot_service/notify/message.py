"""What is sent, to whom, through what: the words that every part of notify shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from iot_service.model.customer import Locale


class Channel(StrEnum):
    """A way to reach a person. ``app`` is the inbox: the message is there as soon as it is written."""

    APP = "app"
    SMS = "sms"
    EMAIL = "email"


class RecipientKind(StrEnum):
    """Who a message is for."""

    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person, with what is known of the ways to reach her. ``phone`` is E.164, ``time_zone`` an IANA name."""

    kind: RecipientKind
    id: str
    name: str
    locale: Locale
    time_zone: str
    email: str | None = None
    phone: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Return where ``channel`` reaches this person, or None where that is not known."""
        return {Channel.APP: self.id, Channel.SMS: self.phone, Channel.EMAIL: self.email}[channel] or None


@dataclass(frozen=True, slots=True)
class Text:
    """One rendered message: ``subject`` is one line, ``short`` the SMS, ``body`` plain text for e-mail and app."""

    subject: str
    short: str
    body: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery, ready for a transport.

    ``delivery_id`` identifies it for good: a transport that is given the same one again makes the same message of it.
    ``address`` is a phone number (E.164) or an e-mail address. ``written_at`` (UTC) is when the message was written.
    ``calendar`` is iCalendar text, or None.
    """

    delivery_id: int
    channel: Channel
    address: str
    locale: Locale
    text: Text
    calendar: str | None
    written_at: datetime
