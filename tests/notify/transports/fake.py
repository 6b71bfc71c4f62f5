"""A transport that keeps what it is given; it passes the same contract tests as the real ones."""

from __future__ import annotations

from iot_service.errors import DropError, RetryError
from iot_service.notify.message import Outgoing


class FakeTransport:
    """Keeps messages in :attr:`sent`. Set :attr:`away` to be unreachable; the address ``@@`` is refused for good."""

    def __init__(self, *, away: bool = False) -> None:
        self.sent: list[Outgoing] = []
        self.away = away

    def send(self, message: Outgoing) -> str:
        """Keep ``message`` and return an id; raises as :class:`Transport` says."""
        if self.away:
            raise RetryError("the gateway is away")
        if message.address == "@@":
            raise DropError(f"{message.address} is no address")
        self.sent.append(message)
        return f"fake-{message.delivery_id}"
