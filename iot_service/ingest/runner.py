"""The ingest process: takes messages from a source, stores them batch by batch, then acknowledges them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from iot_service import clock, logs
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.ingest.batches import Batch, Context, build_batch, device_ids
from iot_service.ingest.fields import compile_fields
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.registry import Registered, Registry
from iot_service.ingest.source import Delivery, Message, Source
from iot_service.ingest.store import find_devices, is_about_data, store_batch
from iot_service.ingest.topics import parse_topic
from iot_service.products.catalog import Catalog

_WAIT = 0.25  # seconds that one look for messages lasts, and so the longest that a stop waits for it
_BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds before another attempt to store
_log = logs.get(__name__)


class OpenSource(Source, Protocol):
    """A source with a name, which the database keeps what it vouches for under, and the token in its markers."""

    client_id: str
    sender: str


class IngestRunner:
    """Stores what a source delivers. Each message is acknowledged only when it is stored, or kept as a dead letter.

    While the database is away it tries again for ever and takes no more messages: what waits is bounded by the source.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        catalog: Catalog,
        *,
        source: Callable[[Settings], AbstractContextManager[OpenSource]] = MqttSource,
    ) -> None:
        """``source`` makes a closed source from the settings: the broker's, unless another one stands in."""
        self._settings = settings
        self._database = database
        self._open_source = source
        self._fields = compile_fields(catalog)
        self._limits = TimeLimits.of(settings)
        self._registry = Registry(self._find_devices)

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; what has been stored by then is acknowledged. Raises StopError at a bad start."""
        with self._open_source(self._settings) as source:
            while not stop.is_set():
                delivery = source.receive(self._settings.batch_messages, _WAIT)
                if delivery.messages:
                    self._store_until_done(source, delivery, stop)

    def _store_until_done(self, source: OpenSource, delivery: Delivery, stop: threading.Event) -> None:
        """Store all of ``delivery`` and acknowledge it, trying again until it is done or ``stop`` is set."""
        waiting = [_Part(delivery.messages)]  # the next one last
        failures = 0
        while waiting and not stop.is_set():
            part = waiting.pop()
            try:
                self._store(source, part)
                if failures:
                    _log.info("messages are stored again", action="ingest.recovered", attempts=failures)
                failures = 0
            except Exception as error:  # the runner: whatever one message brings about, the others must be stored
                if is_about_data(error) and part.refused_by is None:
                    waiting += part.halves(error)
                    continue
                waiting.append(part)
                delay = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
                failures += 1
                _log.warning(
                    "messages cannot be stored now; trying again",
                    action="ingest.waiting",
                    messages=len(part.messages),
                    seconds=delay,
                    error=f"{type(error).__name__}: {error}",
                )
                stop.wait(delay)
        if not waiting:
            delivery.acknowledge()

    def _store(self, source: OpenSource, part: _Part) -> None:
        if part.refused_by is None:
            devices = self._registry.devices(device_ids(part.messages), at=time.monotonic())
            batch = build_batch(part.messages, devices, Context(self._fields, self._limits, source.sender))
        else:
            batch = _buried(part.messages[0], part.refused_by)
        with self._database.transaction() as connection:
            store_batch(connection, batch, client_id=source.client_id, now=clock.now())

    def _find_devices(self, ids: list[str]) -> dict[str, Registered]:
        with self._database.transaction() as connection:
            return find_devices(connection, ids)


class _Part(NamedTuple):
    """Some messages of a delivery; one that stands alone may have been refused, and is to be kept as a dead letter."""

    messages: Sequence[Message]
    refused_by: Exception | None = None

    def halves(self, error: Exception) -> list[_Part]:
        """Return what to try after ``error``, the first one last."""
        if len(self.messages) > 1:
            middle = len(self.messages) // 2
            return [_Part(self.messages[middle:]), _Part(self.messages[:middle])]
        _log.error(
            "a message that cannot be stored is kept as a dead letter",
            action="ingest.refused",
            topic=self.messages[0].topic,
            received=self.messages[0].received,
            exc_info=error,
        )
        return [_Part(self.messages, refused_by=error)]


def _buried(message: Message, error: Exception) -> Batch:
    """Return a batch with nothing but the dead letter of a message that brought about ``error``."""
    topic = parse_topic(message.topic)
    device_id = topic.device_id[:64] if topic else None
    fault = Fault(Reason.REFUSED, f"it could not be stored: {type(error).__name__}: {error}")
    batch = Batch()
    batch.letters.add(message, fault, device_id=device_id, registered=device_id is not None)
    return batch
