"""The ingest process: takes messages from a source, stores them batch by batch, then acknowledges them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple, Protocol

from iot_service import clock, logs, metrics
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.errors import RetryError
from iot_service.ingest.batches import Batch, Context, addresses, build_batch
from iot_service.ingest.micros import to_micros
from iot_service.ingest.mqtt import MqttSource
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.registry import Registered, Registry
from iot_service.ingest.slots import SlotKeeper
from iot_service.ingest.source import Delivery, Message, Source
from iot_service.ingest.sparkplug.session import NodeSession
from iot_service.ingest.sparkplug.store import find_nodes, save_nodes
from iot_service.ingest.sparkplug.topics import NodeKey
from iot_service.ingest.store import find_devices, is_about_data, store_batch
from iot_service.ingest.topics import parse_topic
from iot_service.ingest.understanding import Understanding, Understood
from iot_service.metrics.pulse import Pulse
from iot_service.products.catalog import Catalog

_WAIT = 0.25  # seconds that one look for messages lasts, and so the longest that a stop waits for it
_BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds before another attempt to store
_PART = "store"
_STORED_WITHIN = 15.0  # seconds; the marker comes twice a second
_log = logs.get(__name__)


class OpenSource(Source, Protocol):
    """A source, with the token in its markers, and the number of messages that wait in it."""

    sender: str

    @property
    def waiting(self) -> int:
        """How many messages are in memory and not taken yet."""


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
        pulse: Pulse | None = None,
    ) -> None:
        """``source`` makes a closed source from the settings: the broker's, unless another one stands in.

        The loop is the part ``store`` of ``pulse``: it works when something (at least a marker) has been stored.

        Raises StopError where the settings name a format that there is not.
        """
        self._settings = settings
        self._database = database
        self._open_source = source
        self._context = Context.of(catalog, settings)
        self._registry = Registry(self._find_devices)
        self._understanding = Understanding(settings, catalog, self._find_nodes)
        self._mqtt: MqttSource | None = None
        self._pulse = pulse or Pulse()
        self._pulse.expect(_PART, ready_within=_STORED_WITHIN)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted all that we subscribed to; False while another process holds the slot."""
        return self._mqtt is not None and self._mqtt.connected

    def forget_devices(self) -> int:
        """Look at the registry anew from now on: somebody was disabled, or belongs to somebody else; returns 0."""
        self._registry.forget()
        return 0

    def publish(self, topic: str, payload: bytes, *, expiry_seconds: int) -> None:
        """Publish a message and return when the broker has it; it keeps it so long for who is away (MQTT 5).

        Raises RetryError where it cannot be handed over now.
        """
        if self._mqtt is None:
            raise RetryError("there is no connection to the broker now")
        self._mqtt.publish(topic, payload, expiry=expiry_seconds)

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; what has been stored by then is acknowledged. Raises StopError at a bad start."""
        with self._open_source(self._settings) as source, ExitStack() as stack:
            if isinstance(source, MqttSource):
                stack.enter_context(self._holding_slots(source, stop))
            while not stop.is_set():
                self._pulse.beat(_PART)
                self._understanding.hold(source.slots if isinstance(source, MqttSource) else ())
                delivery = source.receive(self._settings.batch_messages, _WAIT)
                if delivery.messages:
                    self._store_until_done(source, delivery, stop)

    @contextmanager
    def _holding_slots(self, source: MqttSource, stop: threading.Event) -> Iterator[None]:
        """Hold slots while the block lasts, then close their sessions before anybody else may have them."""
        keeper = SlotKeeper(
            self._database,
            source,
            topics=self._understanding.topics,
            share=self._settings.mqtt_share,
            wanted=self._settings.mqtt_slot,
            ordered=self._understanding.ordered,
        )
        thread = threading.Thread(target=keeper.run, args=(stop,), name="slots")
        thread.start()
        self._mqtt = source
        try:
            yield
        finally:
            self._mqtt = None
            stop.set()
            source.take_no_more()  # a full buffer would hold up the network's threads, and closing waits for them
            thread.join()
            for slot in source.slots:
                source.close(slot)
            keeper.release()

    def _store_until_done(self, source: OpenSource, delivery: Delivery, stop: threading.Event) -> None:
        """Store all of ``delivery`` and acknowledge it, trying again until it is done or ``stop`` is set."""
        waiting = [_Part(delivery.messages)]  # the next one last
        failures = 0
        while waiting and not stop.is_set():
            self._pulse.beat(_PART)
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
        began = time.monotonic()
        understood = Understood()
        if part.refused_by is None:
            understood = self._understanding.read(part.messages)
            devices = self._registry.devices(addresses(part.messages, understood.said), at=began)
            context = self._context._replace(sender=source.sender)
            batch = build_batch(part.messages, devices, context, understood.said)
        else:
            batch = _buried(part.messages[0], part.refused_by)
        with self._database.transaction() as connection:
            store_batch(connection, batch, now=clock.now())
            if understood.sparkplug is not None:
                save_nodes(connection, understood.sparkplug.changes, now=clock.now())
        self._pulse.worked(_PART)
        for topic, payload in self._understanding.keep(understood):
            self._ask(topic, payload)
        try:
            _observe(batch, part.messages, seconds=time.monotonic() - began, waiting=source.waiting)
        except OSError as error:  # the disk is full, say; what is stored is stored
            _log.warning("figures cannot be kept", action="ingest.not_observed", error=str(error))

    def _ask(self, topic: str, payload: bytes) -> None:
        """Ask for something that is asked for again where it does not arrive."""
        if self._mqtt is not None:
            try:
                self._mqtt.publish(topic, payload, qos=0)
            except RetryError as error:
                _log.info("a request could not be sent", action="ingest.not_asked", topic=topic, reason=str(error))

    def _find_devices(self, ids: list[str]) -> dict[str, Registered]:
        with self._database.transaction() as connection:
            return find_devices(connection, ids)

    def _find_nodes(self, keys: Collection[NodeKey]) -> Mapping[NodeKey, NodeSession]:
        with self._database.transaction() as connection:
            return find_nodes(connection, keys)


def _observe(batch: Batch, messages: Sequence[Message], *, seconds: float, waiting: int) -> None:
    now = to_micros(clock.now())
    newest = max((touched.newest for touched in batch.touched.values()), default=None)
    metrics.observe_batch(
        messages=len(messages),
        readings=len(batch.readings),
        dead_letters=batch.letters.by_reason(),
        seconds=seconds,
        received_lag=(now - messages[0].received) / 1e6,
        measured_lag=(now - newest) / 1e6 if newest is not None else None,
        waiting=waiting,
        withheld=batch.withheld,
    )


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
