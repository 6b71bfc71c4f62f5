"""The e-mail that a delivery becomes: the same bytes every time it is made."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from iot_service.errors import DropError
from iot_service.notify.message import Outgoing


def message_id(delivery_id: int, sender: str) -> str:
    """Return the Message-ID of a delivery: always the same, so that mail systems can tell a repeated message."""
    return f"<delivery-{delivery_id}@{sender.rpartition('@')[2] or 'localhost'}>"


def build_mail(message: Outgoing, *, sender: str) -> EmailMessage:
    """Return ``message`` as an e-mail from ``sender`` (an address).

    With a calendar text there is a ``text/calendar`` alternative, which mail programs show as an invitation, and the
    same as a file ``appointment.ics``, for those that do not. Raises DropError when the address cannot be one.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = _address(message.address)
    mail["Subject"] = message.text.subject
    mail["Date"] = format_datetime(message.written_at)
    mail["Message-ID"] = message_id(message.delivery_id, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text.body, cte="quoted-printable")
    mail["Content-Language"] = message.locale.value
    if message.calendar is not None:
        calendar = message.calendar.encode()
        method = "CANCEL" if b"\nMETHOD:CANCEL" in calendar else "REQUEST"
        mail.add_alternative(calendar, "text", "calendar", params={"method": method, "charset": "utf-8"}, cte="base64")
        mail.add_attachment(calendar, "application", "ics", filename="appointment.ics")
    return mail


def _address(text: str) -> Address:
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        address = Address()
    if not address.username or not address.domain:
        raise DropError("this is not an e-mail address")
    return address
