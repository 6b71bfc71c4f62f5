"""What the readers of files give: records in one shape, and what could not be made one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from iot_service.ingest.reasons import Fault

Record = tuple[str, int, Mapping[str, object]]
"""Device id, ts in microseconds since 1970 UTC, and values by name; nothing of it is checked yet."""


class Oddity(NamedTuple):
    """A message of the contract's shape that is no plain record: ``document`` (JSON) of a device, to be read slowly."""

    device_id: str
    document: object


class Misfit(NamedTuple):
    """A line or row of a file that says nothing of a device: as it stands in the file, and what is wrong with it."""

    raw: bytes
    fault: Fault


class Chunk(NamedTuple):
    """A piece of a file, small enough for one transaction.

    ``texts`` says that values are texts as in a CSV file, where numbers cannot be told from texts. ``position`` is
    where reading goes on after this piece, in the unit of the reader (bytes or rows).
    """

    records: Sequence[Record]
    oddities: Sequence[Oddity]
    misfits: Sequence[Misfit]
    texts: bool
    position: int


class Reader(Protocol):
    """Reads one open file in pieces."""

    total: int | None
    """The position at the file's end; None where it is not known."""

    def chunks(self, position: int) -> Iterator[Chunk]:
        """Yield the pieces from ``position`` on (0, or that of a chunk given before)."""
