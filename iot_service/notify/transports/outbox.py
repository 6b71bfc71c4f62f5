"""Where no gateway is configured, messages become files in a folder: ``42.eml``, ``43.sms``.

The file's name is the delivery's id, and it appears whole or not at all: sent again, it is the same file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from iot_service.errors import DropError, RetryError
from iot_service.notify.message import Channel, Outgoing
from iot_service.notify.transports.mail import build_mail

_NUMBER = re.compile(r"\+[0-9]{6,15}")


class OutboxTransport:
    """Writes e-mails and SMS into ``folder``, which is made when the first one comes, for this user only."""

    def __init__(self, folder: Path, *, mail_sender: str, sms_sender: str) -> None:
        self._folder = folder
        self._mail_sender, self._sms_sender = mail_sender, sms_sender

    def send(self, message: Outgoing) -> str:
        """Write one file and return its name.

        Raises RetryError when that fails (a full disk, no right to write) and DropError when the address cannot be one.
        """
        if message.channel is Channel.SMS:
            if not _NUMBER.fullmatch(message.address):
                raise DropError("this is not a phone number")
            name = f"{message.delivery_id}.sms"
            lines = [f"From: {self._sms_sender}", f"To: {message.address}", "", message.text.short, ""]
            content = "\n".join(lines).encode()
        else:
            name = f"{message.delivery_id}.eml"
            content = build_mail(message, sender=self._mail_sender).as_bytes()
        try:
            self._write(name, content)
        except OSError as error:
            raise RetryError(f"the outbox folder could not be written: {error.strerror}") from None
        return name

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{name}.{os.getpid()}"
        unfinished.write_bytes(content)
        unfinished.replace(self._folder / name)
