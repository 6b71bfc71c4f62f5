"""E-mail by SMTP.

A crash after the server took a message and before we wrote that down sends it again, with the same Message-ID: many
mail systems then show it once.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urlsplit

from iot_service.errors import DropError, RetryError, StopError
from iot_service.notify.message import Outgoing
from iot_service.notify.transports.mail import build_mail, message_id

_TIMEOUT = 15.0  # seconds per step of the conversation
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PERMANENT = range(500, 600)


class SmtpTransport:
    """A mail server: ``smtp://user:password@host:port`` (STARTTLS where it is offered) or ``smtps://…`` (TLS at once).

    A password goes over TLS or to this very machine, never in the clear over a network.
    """

    def __init__(self, url: str, *, sender: str) -> None:
        """Take the server and the address that messages come from; raises StopError when the URL makes no sense."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise StopError("IOT_SMTP_URL: must be smtp://user:password@host:port or smtps://…")
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._port = parts.port or (465 if self._tls else 587 if self._user else 25)
        self._sender = sender

    def send(self, message: Outgoing) -> str:
        """Hand over one e-mail; return its Message-ID.

        Raises DropError when the server refuses the message or its recipient for good, else RetryError.
        """
        mail = build_mail(message, sender=self._sender)
        try:
            with self._server() as server:
                server.send_message(mail, from_addr=self._sender, to_addrs=[message.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _error(code, said) from None
        except smtplib.SMTPDataError as error:
            raise _error(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPResponseException as error:  # greeting, login, sender: nothing against this message
            raise RetryError(_said(error.smtp_code, error.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as error:
            raise RetryError(f"the mail server could not be reached or used ({type(error).__name__})") from None
        return message_id(message.delivery_id, self._sender)

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT)
        try:
            self._prepare(server, context)
            yield server
            with suppress(smtplib.SMTPException, OSError):  # the message is taken, however they part
                server.quit()
        finally:
            server.close()

    def _prepare(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        encrypted = self._tls
        server.ehlo()
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            encrypted = True
        if self._user:
            if not encrypted and self._host not in _LOOPBACK:
                raise RetryError("the mail server offers no TLS: the password is not sent in the clear; use smtps://")
            server.login(self._user, self._password)


def _error(code: int, said: bytes | str) -> RetryError | DropError:
    return DropError(_said(code, said)) if code in _PERMANENT else RetryError(_said(code, said))


def _said(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"the mail server answered {code}: {text[:200]}"
