"""The link in a message: what it opens, for whom, and how long it works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from iot_service.links import Link, LinkPurpose, Links, Person
from iot_service.notify.facts import Row
from iot_service.notify.message import Recipient, RecipientKind

_LIFE: Mapping[LinkPurpose, tuple[str | None, timedelta]] = {
    LinkPurpose.HOME: (None, timedelta(days=30)),
    LinkPurpose.PROPOSAL: ("expires_at", timedelta(days=1)),
    LinkPurpose.APPOINTMENT: ("ends_at", timedelta(days=1)),
    LinkPurpose.ORDER: ("deliver_by", timedelta(days=7)),
    LinkPurpose.JOB: (None, timedelta(days=7)),
}
"""How long a link works: so long after the time in this column of its subject (None: after it was made)."""
_PERSONS = {RecipientKind.CUSTOMER: Person.CUSTOMER, RecipientKind.TECHNICIAN: Person.TECHNICIAN}


def link_for(links: Links, purpose: LinkPurpose, *, recipient: Recipient, subject: Row, now: datetime) -> str:
    """Return the address that lets ``recipient`` (a customer or a technician) act on ``subject``.

    ``subject`` is the row that the event is about, of the kind that ``purpose`` opens.
    """
    link = Link(
        person=_PERSONS[recipient.kind],
        person_id=recipient.id,
        purpose=purpose,
        subject_id=0 if purpose is LinkPurpose.HOME else subject["id"],
        expires_at=_expiry(purpose, subject, now),
    )
    return links.url(link)


def _expiry(purpose: LinkPurpose, subject: Row, now: datetime) -> datetime:
    """As short as what can be done by it, and no shorter than a person may take to look."""
    column, after = _LIFE[purpose]
    until: datetime = subject[column] if column is not None else now
    return max(until, now) + after
