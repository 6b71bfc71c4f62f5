"""A real SMTP server that keeps what it gets."""

from __future__ import annotations

import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib.metadata import version
from importlib.util import find_spec
from threading import Lock
from typing import cast

from iot_service.engines.ports import LOOPBACK, free_port

if find_spec("aiosmtpd"):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session


class SmtpServer:
    """An SMTP server in a thread. ``X-MailFrom`` and ``X-RcptTo`` of a kept message are the envelope's addresses."""

    name = "SMTP"

    def __init__(self) -> None:
        self.port = 0
        self.reply = "250 OK"
        """What a message is answered with; set ``451 …`` or ``550 …`` to let sending fail (nothing is kept then)."""
        self._messages: list[EmailMessage] = []
        self._lock = Lock()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """``smtp://127.0.0.1:PORT`` once started."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def available(self) -> str | None:
        """Return None if this machine can run it, else the reason why not."""
        return None if find_spec("aiosmtpd") else "the package aiosmtpd is not installed"

    def start(self) -> None:
        """Start it."""
        self.port = free_port()
        self._controller = Controller(self, hostname=LOOPBACK, port=self.port, enable_SMTPUTF8=True)
        self._controller.start()
        self.name = f"SMTP (aiosmtpd {version('aiosmtpd')})"

    def stop(self) -> None:
        """End it. May be called again."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it."""
        return {"IOT_SMTP_URL": self.url}

    @property
    def messages(self) -> list[EmailMessage]:
        """What has arrived since the start or the last :meth:`clear`, in order."""
        with self._lock:
            return list(self._messages)

    def clear(self) -> None:
        """Forget what has arrived up to now."""
        with self._lock:
            self._messages.clear()

    def wait_for(self, address: str | None = None, *, count: int = 1, timeout: float = 15.0) -> list[EmailMessage]:
        """Return the messages (to ``address``, if given) once there are ``count``.

        Raises TimeoutError, naming what there is, when they do not come within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while len(found := [mail for mail in self.messages if address is None or address in mail["X-RcptTo"]]) < count:
            if time.monotonic() > deadline:
                there = [(mail["X-RcptTo"], mail["Subject"]) for mail in self.messages]
                raise TimeoutError(f"{count} e-mails wanted to {address or 'anybody'}, there are: {there}")
            time.sleep(0.05)
        return found

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a message (the name is aiosmtpd's)."""
        if self.reply.startswith("2"):
            mail = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
            mail["X-MailFrom"] = envelope.mail_from
            mail["X-RcptTo"] = ", ".join(envelope.rcpt_tos)
            with self._lock:
                self._messages.append(mail)
        return self.reply
