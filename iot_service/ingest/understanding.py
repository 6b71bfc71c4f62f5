"""What messages of all formats say: the contract's own are left to the batch, the others are read here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from iot_service.config import Settings
from iot_service.ingest.batches import Said
from iot_service.ingest.formats.router import SPARKPLUG, Router, load_formats
from iot_service.ingest.mqtt.plan import Presence, SessionPlan
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.host import state_payload, state_topic
from iot_service.ingest.sparkplug.reader import Reading, SparkplugReader
from iot_service.ingest.sparkplug.session import NodeSession
from iot_service.ingest.sparkplug.topics import SUBSCRIPTION as SPARKPLUG_TOPICS
from iot_service.ingest.sparkplug.topics import NodeKey, is_sparkplug
from iot_service.ingest.topics import PREFIX, SUBSCRIPTION, marker_topic
from iot_service.products.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Understood:
    """What other formats than the contract's said, by the place of the message, and Sparkplug's part of it."""

    said: Said = field(default_factory=dict)
    sparkplug: Reading | None = None


class Understanding:
    """Reads all formats that the settings switch on. One thread uses it.

    ``load`` is asked for Sparkplug's edge nodes. Raises StopError that says what is wrong with a setting or a source.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        load: Callable[[Collection[NodeKey]], Mapping[NodeKey, NodeSession]],
    ) -> None:
        self._router = Router(load_formats(settings, catalog))
        self._host_id = settings.sparkplug_host
        self._sparkplug = SparkplugReader(load) if SPARKPLUG in settings.formats else None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topic filters of all formats whose messages several processes may share."""
        return (SUBSCRIPTION, *self._router.subscriptions())

    def ordered(self) -> tuple[SessionPlan, ...]:
        """Return the sessions of formats whose messages one process must get in order: Sparkplug's, if switched on."""
        if self._sparkplug is None:
            return ()
        host_id = self._host_id
        presence = Presence(state_topic(host_id), lambda online, at: state_payload(online=online, at=at))
        return (SessionPlan(SPARKPLUG, (SPARKPLUG_TOPICS, marker_topic(SPARKPLUG)), presence=presence),)

    def hold(self, slots: Collection[str]) -> None:
        """Note which slots this process holds now: without Sparkplug's, others may change what is kept of its nodes."""
        if self._sparkplug is not None and SPARKPLUG not in slots:
            self._sparkplug.forget()

    def read(self, messages: Sequence[Message]) -> Understood:
        """Return what ``messages`` say that are not of the contract; raises what ``load`` raises."""
        said: dict[int, Sequence[Sent]] = {}
        places: list[int] = []
        for place, message in enumerate(messages):
            if message.topic.startswith(PREFIX):
                continue
            if self._sparkplug is not None and is_sparkplug(message.topic):
                places.append(place)
            elif (found := self._router.read(message)) is not None:
                said[place] = found
        if self._sparkplug is None or not places:
            return Understood(said)
        reading = self._sparkplug.read(messages[place] for place in places)
        said.update({place: sent for place, (_, sent) in zip(places, reading.sent, strict=True)})
        return Understood(said, reading)

    def keep(self, understood: Understood) -> Sequence[tuple[str, bytes]]:
        """Go on from there, now that it is stored; return what is to be published: topics and payloads."""
        if self._sparkplug is None or understood.sparkplug is None:
            return ()
        self._sparkplug.keep(understood.sparkplug)
        return understood.sparkplug.rebirths
