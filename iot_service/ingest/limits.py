"""How much, how old and how far ahead is still taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iot_service.config import Settings
from iot_service.ingest.micros import to_span
from iot_service.products.model import ProductModel

PAYLOAD_BYTES = 256 * 1024
MESSAGE_VALUES = 10_000
MESSAGE_UNITS = 64
"""Different units that one message may name: to learn a new one costs a hundred times what a value costs."""
TEXT_LENGTH = 4_000
LIST_LENGTH = 500
EVENT_NAME_LENGTH = 128
LETTERS_AN_HOUR = 100
"""So many dead letters are kept in full per device, reason and hour; the rest is counted."""
STRANGERS_LETTERS_AN_HOUR = 1_000
"""The same for all unknown devices together, whose names anybody can make up without end."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How far a measured time may lie from the time of receipt, in microseconds: back and ahead.

    ``retention_of`` names for people what says how far back.
    """

    retention: int
    ahead: int
    retention_of: str = "IOT_RETENTION"

    @classmethod
    def of(cls, settings: Settings) -> TimeLimits:
        """Return the limits that the settings ask for."""
        return cls(retention=to_span(settings.retention), ahead=to_span(settings.clock_ahead))

    def for_product(self, product: ProductModel) -> TimeLimits:
        """Return the limits for readings of a product model: its own retention, where it says one."""
        said = product.retention.readings
        if said is None:
            return self
        return replace(self, retention=to_span(said), retention_of=f"retention.readings of {product.id}")
