"""Simulated technicians: they read the SMS that arrive for them, and answer by the link, as people would."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from iot_service import logs

_LINK = re.compile(r"https?://\S+/l/\S+")
_LOOK_SECONDS = 0.5
_READING_SECONDS = 2.5
_log = logs.get(__name__)


class Technicians:
    """Read the outbox folder as if it were their phones; the first one asked declines, everybody else accepts.

    ``numbers`` are the technicians' phone numbers (E.164). Only a message whose link opens a page that offers to accept
    is answered, after the seconds that reading takes.
    """

    def __init__(self, outbox: Path, numbers: frozenset[str]) -> None:
        self._outbox = outbox
        self._numbers = numbers
        self._read: set[str] = set()
        self._declined = False

    def run(self, stop: threading.Event) -> None:
        """Answer until ``stop`` is set."""
        self._read = {file.name for file in self._outbox.glob("*.sms")}
        while not stop.wait(_LOOK_SECONDS):
            for file in sorted(self._outbox.glob("*.sms")):
                if file.name not in self._read:
                    self._read.add(file.name)
                    self._receive(file.read_text(encoding="utf-8"), stop)

    def _receive(self, text: str, stop: threading.Event) -> None:
        number = re.search(r"^To: (\+\d+)$", text, re.MULTILINE)
        link = _LINK.search(text)
        if number is None or link is None or number[1] not in self._numbers or stop.wait(_READING_SECONDS):
            return
        try:
            with urllib.request.urlopen(link[0], timeout=5) as page:  # noqa: S310  # our own links, http only
                offers = 'value="accept"' in page.read().decode()
            if not offers:
                return
            action = "accept" if self._declined else "decline"
            self._declined = True
            form = urllib.parse.urlencode({"action": action}).encode()
            urllib.request.urlopen(link[0], data=form, timeout=5).close()  # noqa: S310  # as above
        except urllib.error.URLError as error:
            _log.warning("a simulated technician could not open a link", action="people.failed", error=str(error))
