"""The page of one message, and the list of them."""

from __future__ import annotations

from typing import Any

from iot_service.errors import NotFoundError
from iot_service.links import LinkPurpose, Person
from iot_service.notify import inbox
from iot_service.notify.message import RecipientKind
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit

_SHOWN = 20


def views(visit: Visit, *, before: int | None) -> tuple[list[dict[str, Any]], int | None]:
    """Return her newest messages (those before message ``before``), and where older ones begin, if there are any."""
    found = inbox.inbox(visit.connection, _kind(visit), visit.person_id, before=before, limit=_SHOWN + 1)
    shown = [
        {
            "token": visit.token_for(LinkPurpose.NOTIFICATION, message.id),
            "subject": message.subject,
            "when": visit.full(message.created_at),
            "read": message.read_at is not None,
        }
        for message in found[:_SHOWN]
    ]
    return shown, found[_SHOWN - 1].id if len(found) > _SHOWN else None


def _show(visit: Visit) -> Shown:
    wanted = visit.link.subject_id
    found = inbox.inbox(visit.connection, _kind(visit), visit.person_id, before=wanted + 1, limit=1)
    if not found or found[0].id != wanted:
        raise NotFoundError("There is no such message.")
    message = found[0]
    shown = {
        "subject": message.subject,
        "locale": message.locale,
        "when": visit.full(message.created_at),
        "body": message.body,
        "link": message.link,
        "read": message.read_at is not None,
    }
    return Shown("message.html", {"message": shown})


def _read(visit: Visit, _form: Form) -> str:
    inbox.mark_read(
        visit.connection,
        visit.link.subject_id,
        recipient_kind=_kind(visit),
        recipient_id=visit.person_id,
        now=visit.now,
    )
    return "read"


def _kind(visit: Visit) -> RecipientKind:
    return RecipientKind.CUSTOMER if visit.link.person is Person.CUSTOMER else RecipientKind.TECHNICIAN


PAGE = LinkedPage(Person.CUSTOMER, _show, {"read": _read})
"""What a customer's link of purpose NOTIFICATION opens."""
TECHNICIANS_PAGE = LinkedPage(Person.TECHNICIAN, _show, {"read": _read})
"""What a technician's link of purpose NOTIFICATION opens."""
