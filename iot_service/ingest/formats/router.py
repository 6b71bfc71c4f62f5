"""Decides by its topic what format a message is in. The contract's own topics are not its affair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.formats.format import Format
from iot_service.ingest.formats.sources import load_sources, shipped_sources
from iot_service.ingest.formats.thingsboard import ThingsBoard
from iot_service.ingest.formats.topicfilters import catches, covers, overlap
from iot_service.ingest.limits import MESSAGE_VALUES, PAYLOAD_BYTES
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.topics import SUBSCRIPTION
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion

SPARKPLUG = "sparkplug"
"""A format that this module does not make: it keeps the state of its sessions in the database, the runner holds it."""

_REMEMBERED = 50_000  # topics whose format is known


def load_formats(settings: Settings, catalog: Catalog) -> list[Format]:
    """Return the formats that ``IOT_FORMATS`` and ``IOT_SOURCES_DIR`` switch on, apart from :data:`SPARKPLUG`.

    Raises StopError that says what is wrong with a setting, or with every file of a source.
    """
    built: dict[str, Format] = {ThingsBoard.name: ThingsBoard()}
    shipped = shipped_sources()
    known = sorted([*built, *shipped, SPARKPLUG])
    for name in settings.formats:
        if name not in known:
            raise StopError(f"IOT_FORMATS: there is no format '{name}'{suggestion(name, known)}")
    sources = load_sources([name for name in settings.formats if name in shipped], settings.sources_dir, catalog)
    return [*(built[name] for name in settings.formats if name in built), *sources]


class Router:
    """Reads messages of several formats; on a topic that two of them ask for, the first one's.

    Raises StopError where a format asks for all topics of another one, or for the contract's.
    """

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = formats
        self._by_topic: dict[str, Format | None] = {}
        for one, other in combinations(formats, 2):
            for first in one.filters:
                for second in other.filters:
                    if covers(first, second) or covers(second, first):
                        raise StopError(f"{one.name} and {other.name} ask for the same topics: {first} and {second}")
        for format_ in formats:
            if any(overlap(topic_filter, SUBSCRIPTION) for topic_filter in format_.filters):
                raise StopError(f"{format_.name} asks for topics of the service itself: {SUBSCRIPTION}")

    def subscriptions(self) -> list[str]:
        """Return the topic filters to subscribe to beside the contract's."""
        return [topic_filter for format_ in self._formats for topic_filter in format_.filters]

    def format_of(self, topic: str) -> Format | None:
        """Return the format that speaks on ``topic``, None where none does."""
        try:
            return self._by_topic[topic]
        except KeyError:
            pass
        if len(self._by_topic) >= _REMEMBERED:
            self._by_topic.clear()
        found = next((one for one in self._formats if any(catches(some, topic) for some in one.filters)), None)
        self._by_topic[topic] = found
        return found

    def read(self, message: Message) -> list[Sent] | None:
        """Return what ``message`` says, by device; None where no format speaks on its topic.

        Never raises for what a device sends, and never returns nothing for a message of a format.
        """
        found = self.format_of(message.topic)
        if found is None:
            return None
        if len(message.payload) > PAYLOAD_BYTES:
            return [_too_large(f"the payload has {len(message.payload)} bytes; at most {PAYLOAD_BYTES}")]
        said = found.read(message)
        count = sum(len(entry.values) for sent in said for entry in sent.entries)
        if count > MESSAGE_VALUES:
            return [_too_large(f"the message has {count} values; at most {MESSAGE_VALUES}")]
        return said


def _too_large(detail: str) -> Sent:
    return Sent(None, faults=[Fault(Reason.TOO_LARGE, f"{detail}: send several messages")])
