"""One message, and each transport with a way to see what arrives at its other end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from iot_service.model.customer import Locale
from iot_service.notify.message import Channel, Outgoing, Text
from iot_service.notify.transports import Transport

_numbers = itertools.count(1)


def outgoing(channel: Channel, **over: Any) -> Outgoing:
    """A message to Anna, with an address of its own."""
    number = next(_numbers)
    message = Outgoing(
        delivery_id=number,
        channel=channel,
        address=f"+479001{number:04}" if channel is Channel.SMS else f"anna{number}@example.com",
        locale=Locale.NB,
        text=Text(
            "Time mandag – på verkstedet", "Blåbær på Ål: time man. 09.00 https://x.no/l/a_b-c.d", "Hei, Anna!\n"
        ),
        calendar=None,
        written_at=datetime.fromisoformat("2026-11-21T12:00:00+00:00"),
    )
    return replace(message, **over)


@dataclass(frozen=True, slots=True)
class Harness:
    """A transport of one channel, one whose other end is away, and what arrived for an address (texts)."""

    channel: Channel
    transport: Transport
    unreachable: Transport
    arrived: Callable[[str], list[str]]
