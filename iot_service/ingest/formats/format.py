"""What a format is to the router: the topics it speaks on, and a reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from iot_service.ingest.jsontext import keeps_text, show
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message

ADDRESS_LENGTH = 200
"""Characters that a device may be called by in a format of its own."""


class Format(Protocol):
    """A format with topics of its own. ``filters`` are the MQTT topic filters of all its messages."""

    @property
    def name(self) -> str:
        """What people switch it on by."""

    @property
    def filters(self) -> Sequence[str]:
        """The topic filters to subscribe to."""

    @property
    def device_topics(self) -> Sequence[str]:
        """What a device with credentials of its own may publish to; ``%u`` stands for its user name, which is its id.

        Empty where gateways speak for devices.
        """

    def read(self, message: Message) -> list[Sent]:
        """Return what a message on one of its topics says, by device; never raises for what a device sends."""


def address_fault(address: str) -> Fault | None:
    """Return what is wrong with a name that a device is called by in a message, None if it may be looked up."""
    if 0 < len(address) <= ADDRESS_LENGTH and keeps_text(address):
        return None
    return Fault(
        Reason.UNKNOWN_DEVICE,
        f"the device is called {show(address)}; a name has 1 to {ADDRESS_LENGTH} characters, none of them NUL",
    )


def acl_lines(format_: Format) -> list[str]:
    """Return what Mosquitto's access list needs for a format: the service's lines, then those of all devices."""
    return [f"topic read {some}" for some in format_.filters] + [
        f"pattern write {some}" for some in format_.device_topics
    ]
