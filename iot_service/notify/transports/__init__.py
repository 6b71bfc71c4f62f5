"""Ways out of the house: one file each, all with the one method of :class:`Transport`."""

from __future__ import annotations

from typing import Protocol

from iot_service.notify.message import Outgoing


class Transport(Protocol):
    """Sends one message through one channel."""

    def send(self, message: Outgoing) -> str:
        """Hand ``message`` over and return the id that the other side gave it, or an id of our own.

        Raises RetryError when it may succeed later, DropError when it never will. May be called again with the same
        message after a crash; the file of each transport says what the person then sees.
        """
        ...
