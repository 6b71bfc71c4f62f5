"""Signed links: what a customer or a technician acts by. Each is bound to one person, one purpose and one thing.

A link is a bearer credential that travels in messages: it opens nothing but its own purpose, it expires, and what it
opens checks the state of the thing again. Opening it (GET) changes nothing, because mail scanners open links too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer

from iot_service.errors import NotFoundError


class LinkPurpose(StrEnum):
    """What a link is for. The values are short because links travel by SMS."""

    HOME = "h"
    APPOINTMENT = "a"
    PROPOSAL = "p"
    ORDER = "o"
    NOTIFICATION = "n"
    JOB = "j"


class Person(StrEnum):
    """Whose link it is."""

    CUSTOMER = "c"
    TECHNICIAN = "t"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says: ``subject_id`` is the id of the thing (0 for :attr:`LinkPurpose.HOME`); times are UTC."""

    person: Person
    person_id: str
    purpose: LinkPurpose
    subject_id: int
    expires_at: datetime


class Links:
    """Makes and reads tokens with one secret key (at least 32 characters)."""

    def __init__(self, secret_key: str, base_url: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="iot-service link 1")
        self._base_url = base_url.rstrip("/")

    def token(self, link: Link) -> str:
        """Return the signed token of ``link``; its expiry is kept to the minute."""
        minutes = int(link.expires_at.timestamp() // 60)
        fields = [link.person.value, link.person_id, link.purpose.value, link.subject_id, minutes]
        return str(self._serializer.dumps(fields))

    def url(self, link: Link) -> str:
        """Return the address that opens ``link``."""
        return f"{self._base_url}/l/{self.token(link)}"

    def read(self, token: str, *, now: datetime) -> Link:
        """Return what ``token`` says. Raises NotFoundError when it is not ours, was altered, or has expired."""
        try:
            person, person_id, purpose, subject_id, minutes = self._serializer.loads(token)
            expires_at = datetime.fromtimestamp(minutes * 60, now.tzinfo)
            link = Link(Person(person), str(person_id), LinkPurpose(purpose), int(subject_id), expires_at)
        except (BadSignature, ValueError, TypeError, OverflowError):
            raise NotFoundError("this link is not valid; open the newest message and use the link in it") from None
        if link.expires_at + timedelta(minutes=1) <= now:
            raise NotFoundError("this link has expired; open the newest message and use the link in it")
        return link
