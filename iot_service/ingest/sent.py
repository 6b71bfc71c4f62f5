"""What a message says about one device, in one shape for every format, before the device's product is asked.

Formats (JSON of the contract, SenML, Sparkplug B, gateways, mapped JSON) are readers that return these; whether a name
is known, a value plausible and a time acceptable is decided in one place for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from iot_service.ingest.reasons import Fault


class Entry(NamedTuple):
    """Values of one instant. ``ts`` is in milliseconds since 1970 UTC, None where the message names no time.

    ``units`` names the unit a value was sent in, by the value's name, where the message says so; a value without one
    is in the unit that the product model gives its name. ``assumed``: ``ts`` was counted from the time of receipt
    ("five seconds ago"), so another delivery of the same message gives another one.
    """

    ts: float | None
    values: Mapping[str, object]
    units: Mapping[str, str] = {}
    assumed: bool = False


class Occurrence(NamedTuple):
    """A device event: its name, its time (as in :class:`Entry`), its data (any JSON value)."""

    name: str
    ts: float | None
    data: object


@dataclass(slots=True)
class Sent:
    """Everything that one message says about one device, and what in it could not be read.

    ``device_id`` is None for what belongs to no device. ``online`` is what the message says of the connection, None if
    nothing.
    """

    device_id: str | None
    entries: Sequence[Entry] = ()
    occurrences: Sequence[Occurrence] = ()
    online: bool | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_about_connection_only(self) -> bool:
        """Whether it says no more than that something is online or offline."""
        return self.online is not None and not self.entries and not self.occurrences
