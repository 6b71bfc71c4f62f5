"""The facade of Sparkplug: messages in, what devices said out, with what is to be saved and asked for afterwards.

Nothing that a reading finds holds before :meth:`SparkplugReader.keep`: when its transaction fails, the same messages
are read again from the same beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from iot_service import logs
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.host import rebirth_request, rebirth_topic
from iot_service.ingest.sparkplug.session import NodeSession
from iot_service.ingest.sparkplug.topics import NodeKey, SparkplugTopic, Verb, parse_topic

_MOST_SESSIONS = 10_000  # in memory; the others are read from the database when they speak
_TO_DEVICES = {Verb.NCMD, Verb.DCMD, Verb.STATE}
_log = logs.get(__name__)


class Change(NamedTuple):
    """A session that is to be saved, and whether its births are others than those that were saved before."""

    session: NodeSession
    births_changed: bool


@dataclass(slots=True)
class Reading:
    """What some messages say, in their order, and what follows from it once that is stored."""

    sent: list[tuple[Message, list[Sent]]] = field(default_factory=list)
    sessions: dict[NodeKey, NodeSession] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    """To be saved in the transaction that stores what was sent."""
    rebirths: list[tuple[str, bytes]] = field(default_factory=list)
    """Topics and payloads, to be published with QoS 0 after the commit."""


class SparkplugReader:
    """Reads the messages of all edge nodes, each in order; for one process and one thread.

    ``load`` is asked for edge nodes that are not in memory, and returns those that are known.
    """

    def __init__(self, load: Callable[[Collection[NodeKey]], Mapping[NodeKey, NodeSession]]) -> None:
        self._load = load
        self._kept: dict[NodeKey, NodeSession] = {}

    def read(self, messages: Iterable[Message]) -> Reading:
        """Return what ``messages`` say. Never raises for what is in them; raises what ``load`` raises."""
        parsed = [(message, parse_topic(message.topic)) for message in messages]
        before = self._sessions_of(parsed)
        result = Reading()
        for message, topic in parsed:
            if topic is None or message.retained:
                result.sent.append((message, [_refused(topic)] if _speaks(topic) else []))
            elif _speaks(topic):
                session = result.sessions.get(topic.key) or before[topic.key]
                outcome = session.receive(topic, message.payload, message.received)
                result.sessions[topic.key] = outcome.session
                result.sent.append((message, outcome.sent))
                if outcome.rebirth is not None:
                    _ask(result, outcome.session, outcome.rebirth, message.received)
            else:
                result.sent.append((message, []))
        result.changes = [
            Change(session, births_changed)
            for key, session in result.sessions.items()
            for births_changed in _what_changed(before[key], session)
        ]
        return result

    def forget(self) -> None:
        """Read every session anew from the database: another process may have gone on with them."""
        self._kept.clear()

    def keep(self, reading: Reading) -> None:
        """Go on from where ``reading`` ended; call it when the transaction that stored it is committed."""
        if len(self._kept) + len(reading.sessions) > _MOST_SESSIONS:
            self._kept.clear()
        self._kept.update(reading.sessions)

    def _sessions_of(self, parsed: Iterable[tuple[Message, SparkplugTopic | None]]) -> dict[NodeKey, NodeSession]:
        keys = {topic.key for _, topic in parsed if topic is not None and _speaks(topic)}
        missing = keys - self._kept.keys()
        loaded = self._load(missing) if missing else {}
        return {key: self._kept.get(key) or loaded.get(key) or NodeSession(key) for key in keys}


def _speaks(topic: SparkplugTopic | None) -> bool:
    """Return whether a topic is one that devices speak on, or ought to be."""
    return topic is None or topic.verb not in _TO_DEVICES


def _refused(topic: SparkplugTopic | None) -> Sent:
    if topic is None:
        detail = "Sparkplug sends to spBv1.0/{group}/{NBIRTH, NDATA, NDEATH}/{node}, or {DBIRTH, …}/{node}/{device}"
        return Sent(None, faults=[Fault(Reason.UNKNOWN_TOPIC, detail)])
    detail = f"{topic.verb} with the retain flag, which would look fresh at every reconnect; publish without it"
    return Sent(topic.key.address(topic.device), faults=[Fault(Reason.WRONG_SHAPE, detail)])


def _ask(reading: Reading, session: NodeSession, reason: str, received: int) -> None:
    _log.warning(
        "an edge node is asked for its births",
        action="sparkplug.rebirth",
        node=session.key.address(),
        reason=reason,
        asked=session.asked,
    )
    reading.rebirths.append((rebirth_topic(session.key), rebirth_request(received // 1000)))


def _what_changed(before: NodeSession, after: NodeSession) -> list[bool]:
    """Return nothing where there is nothing to save, else whether the births are among it."""
    whole = (before.births, before.awaited, before.bd_seq, before.born_at)
    if whole != (after.births, after.awaited, after.bd_seq, after.born_at):
        return [True]
    return [False] if after.births and (before.seq, before.sent_at) != (after.seq, after.sent_at) else []
