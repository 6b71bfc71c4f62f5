"""NDJSON: one object of the contract a line, with ``device`` beside ``ts`` and ``values``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from iot_service.ingest.importing.blocks import Block, read_blocks
from iot_service.ingest.importing.records import Chunk, Misfit, Oddity, Record
from iot_service.ingest.jsontext import UnreadableError, parse_json, show
from iot_service.ingest.limits import MESSAGE_VALUES, PAYLOAD_BYTES
from iot_service.ingest.reasons import Fault, Reason

_SHAPE = 'a line is {"device": id, "ts": milliseconds, "values": {name: value}}'
_FARTHEST = 2**52  # milliseconds; beyond it a float has no fractions, and no clock gets there


class NdjsonReader:
    """Reads ``stream``; ``device_id`` is whose the lines are that name no device. ``total`` is its length in bytes."""

    def __init__(self, stream: BinaryIO, *, total: int | None, device_id: str | None) -> None:
        self.total = total
        self._stream = stream
        self._device_id = device_id

    def chunks(self, position: int) -> Iterator[Chunk]:
        """Yield the file in pieces, from ``position`` (in bytes) on."""
        if position:
            self._stream.seek(position)
        for block in read_blocks(self._stream, position):
            yield self._chunk(block)

    def _chunk(self, block: Block) -> Chunk:
        records: list[Record] = []
        oddities: list[Oddity] = []
        misfits: list[Misfit] = []
        for line in block.data.split(b"\n"):
            if not line or line.isspace():
                continue
            try:
                found = self._read(line)
            except UnreadableError as error:
                misfits.append(Misfit(line, Fault(error.reason, error.detail)))
                continue
            if isinstance(found, Oddity):
                oddities.append(found)
            else:
                records.append(found)
        return Chunk(records, oddities, misfits, texts=False, position=block.end)

    def _read(self, line: bytes) -> Record | Oddity:
        """Return what a line says; raises UnreadableError where nobody can tell of which device and time."""
        if len(line) > PAYLOAD_BYTES:
            raise UnreadableError(Reason.TOO_LARGE, f"the line has more than {PAYLOAD_BYTES} bytes: write several")
        if (record := self._simple(line)) is not None:
            return record
        document = parse_json(line)
        if not isinstance(document, dict):
            raise UnreadableError(Reason.WRONG_SHAPE, f"{show(document)} is no object; {_SHAPE}")
        device_id = document.pop("device", self._device_id)
        if not isinstance(device_id, str):
            raise UnreadableError(Reason.WRONG_SHAPE, f"device is {show(device_id)}; {_SHAPE}")
        if "ts" not in document:
            raise UnreadableError(Reason.WRONG_SHAPE, f"ts is missing; in a file each line names its time: {_SHAPE}")
        ts, values = document["ts"], document.get("values")
        if len(document) == 2 and type(values) is dict and 0 < len(values) <= MESSAGE_VALUES:
            if type(ts) is int:
                return device_id, ts * 1000, values
            if type(ts) is float and -_FARTHEST < ts < _FARTHEST:
                return device_id, round(ts * 1000), values
        return Oddity(device_id, document)

    def _simple(self, line: bytes) -> Record | None:
        """Return the record of a line that is nothing but the plain object, at a third of the cost; None to look again.

        A fast parser keeps the last of two values with one name in silence: so names and colons are counted, as in
        :func:`iot_service.ingest.jsontext.parse_simple`.
        """
        try:
            document = orjson.loads(line)
        except ValueError:
            return None
        if type(document) is not dict:
            return None
        device_id, ts, values = document.get("device", self._device_id), document.get("ts"), document.get("values")
        names = 3 if "device" in document else 2
        if type(ts) is not int or type(device_id) is not str or type(values) is not dict or len(document) != names:
            return None
        if not 0 < len(values) <= MESSAGE_VALUES or line.count(b":") != len(values) + names:
            return None
        return device_id, ts * 1000, values
