"""The session of one edge node, as its host sees it: which births hold, and whether every message has come.

Data comes with QoS 0: it is never delivered twice, but lost when we are away. A message that went missing shows in the
sequence numbers, and the node is asked for its births anew. Deaths come with QoS 1, and so does whatever an unorthodox
node sends: it may be delivered twice. What is behind the newest message, in number and in time, came before; its values
are kept (storing them again changes nothing), and nothing else follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from iot_service.ingest.jsontext import UnreadableError
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.sparkplug.metrics import Birth, birth_number, open_payload, read_birth, read_metrics
from iot_service.ingest.sparkplug.topics import NodeKey, SparkplugTopic, Verb

_CYCLE = 256  # sequence numbers and birth numbers run from 0 to 255
_PATIENCE = 10_000_000  # microseconds between two requests for a rebirth, at first
_MOST_PATIENCE = 600_000_000  # the same for a node that never answers: the pause doubles up to this
_MOST_METRICS = 20_000  # that one edge node may define, with all its devices
_STORABLE = 1 << 63  # what the database cannot hold


@dataclass(frozen=True, slots=True)
class NodeSession:
    """What is known of an edge node. Never changed: :meth:`receive` gives the next one.

    Times of the node's are in milliseconds since 1970 UTC, ours in microseconds.
    """

    key: NodeKey
    bd_seq: int | None = None
    """The number of its newest birth, by which its death is recognised."""
    seq: int | None = None
    """The sequence number of its newest message, None before a birth and after a death."""
    born_at: int | None = None
    sent_at: int | None = None
    """When it sent its newest birth, and its newest message, as it says itself."""
    births: Mapping[str, Birth] = field(default_factory=dict)
    """The births that hold, by device; that of the node itself has the empty name."""
    awaited: frozenset[str] = frozenset()
    """Devices that were born before the node's newest birth, and not since."""
    waiting: str = ""
    """Why a rebirth is waited for, empty when none is."""
    asked_at: int | None = None
    """When we last asked for one."""
    asked: int = 0
    """How often we asked since the newest birth."""

    @property
    def is_born(self) -> bool:
        """Whether the node's own birth is known, and no death of it since."""
        return "" in self.births

    def receive(self, topic: SparkplugTopic, data: bytes, received: int) -> Outcome:
        """Take one message of this node, received at ``received`` (microseconds since 1970 UTC); never raises for it.

        Commands and states of hosts say nothing, and change nothing.
        """
        address = self.key.address(topic.device)
        try:
            payload = open_payload(data)
        except UnreadableError as error:
            return Outcome(self, [Sent(address, faults=[Fault(error.reason, error.detail)])])
        if topic.verb is Verb.NDEATH:
            return self._node_death(payload)
        if topic.verb is Verb.NBIRTH:
            outcome = self._node_birth(payload)
        elif topic.verb is Verb.DBIRTH:
            outcome = self._device_birth(payload, topic.device)
        elif topic.verb is Verb.DDEATH:
            outcome = self._device_death(payload, topic.device)
        elif topic.verb in {Verb.NDATA, Verb.DDATA}:
            outcome = self._data(payload, topic.device)
        else:
            return Outcome(self, [])
        return outcome.session._asking(outcome.sent, received)

    # One method for each kind of message -----------------------------------------------------------------------------

    def _node_birth(self, payload: Any) -> Outcome:
        birth, faults = read_birth(payload)
        found = read_metrics(payload, birth, is_birth=True)
        sent = Sent(self.key.address(), found.entries, online=True, faults=faults + found.faults)
        number, at = birth_number(payload), _time(payload)
        if self.is_born and at is not None and (number, at) == (self.bd_seq, self.born_at):
            return Outcome(self, [sent])  # delivered twice
        session = replace(
            self,
            bd_seq=number,
            seq=(_number(payload) or 0) % _CYCLE,
            born_at=at,
            sent_at=at,
            births={"": birth},
            awaited=self.awaited | (self.births.keys() - {""}),
            waiting="",
            asked=0,
        )
        return Outcome(session, [sent])

    def _device_birth(self, payload: Any, device: str) -> Outcome:
        birth, faults = read_birth(payload)
        found = read_metrics(payload, birth, is_birth=True)
        sent = Sent(self.key.address(device), found.entries, faults=faults + found.faults)
        step = self._step(payload)
        if step.is_old:
            return Outcome(self, [sent])
        births = {**self.births, device: birth}
        if sum(len(each.metrics) for each in births.values()) > _MOST_METRICS:
            sent.faults.append(
                Fault(Reason.TOO_LARGE, f"{self.key.address()} defines more than {_MOST_METRICS} metrics in all")
            )
            return Outcome(step.session, [sent])
        if self.is_born:
            sent.online = True
        session = replace(step.session, births=births, awaited=self.awaited - {device})
        return Outcome(session._wait_unless(self.is_born, "a device was born before its edge node"), [sent])

    def _data(self, payload: Any, device: str) -> Outcome:
        found = read_metrics(payload, self.births.get(device), is_birth=False)
        sent = Sent(self.key.address(device), found.entries, faults=found.faults)
        step = self._step(payload)
        session, said = step.session, [sent]
        if not step.is_old and session.awaited and not session.waiting:
            # All births come before the first data: a device that was not born again is not there any more.
            said = [Sent(self.key.address(gone), online=False) for gone in sorted(session.awaited)] + said
            session = replace(session, awaited=frozenset())
        session = session._wait_unless(self.is_born, "data came before a birth of the edge node")
        session = session._wait_unless(device in self.births, "data came before a birth of its device")
        return Outcome(session._wait_unless(not found.unresolved, "an alias is unknown"), said)

    def _node_death(self, payload: Any) -> Outcome:
        number = birth_number(payload)
        if self.is_born and number is None and self.bd_seq is not None:
            detail = f"it has no bdSeq, so nobody knows whether it ends the session of birth {self.bd_seq}"
            return Outcome(self, [Sent(self.key.address(), faults=[Fault(Reason.WRONG_SHAPE, detail)])])
        if self.is_born and not _ends(number, self.bd_seq):
            return Outcome(self, [])  # the end of an earlier connection, told late
        devices = (self.births.keys() | self.awaited) - {""}
        gone = [Sent(self.key.address(device), online=False) for device in ["", *sorted(devices)]]
        session = replace(self, seq=None, born_at=None, sent_at=None, births={}, awaited=frozenset(), waiting="")
        return Outcome(session, gone)

    def _device_death(self, payload: Any, device: str) -> Outcome:
        step = self._step(payload)
        if step.is_old:
            return Outcome(self, [])
        births = {name: birth for name, birth in self.births.items() if name != device}
        session = replace(step.session, births=births, awaited=self.awaited - {device})
        return Outcome(session, [Sent(self.key.address(device), online=False)])

    # What they share -------------------------------------------------------------------------------------------------

    def _step(self, payload: Any) -> _Step:
        """Return the session after a message's sequence number, and whether the message came before."""
        number, at = _number(payload), _time(payload)
        if self.seq is None or number is None:
            return _Step(self)
        behind = (self.seq - number) % _CYCLE
        if behind < _CYCLE // 2 and at is not None and self.sent_at is not None and at <= self.sent_at:
            return _Step(self, is_old=True)
        expected = (self.seq + 1) % _CYCLE
        session = replace(self, seq=number % _CYCLE, sent_at=at)
        return _Step(session._wait_unless(number == expected, f"message {expected} is missing before {number}"))

    def _wait_unless(self, right: bool, reason: str) -> NodeSession:
        return self if right or self.waiting else replace(self, waiting=reason)

    def _asking(self, sent: list[Sent], received: int) -> Outcome:
        """Return the outcome of a message, with a request where a rebirth is waited for and it is time to ask."""
        pause = min(_PATIENCE << min(max(self.asked - 1, 0), 16), _MOST_PATIENCE)
        if not self.waiting or (self.asked_at is not None and 0 <= received - self.asked_at < pause):
            return Outcome(self, sent)
        return Outcome(replace(self, asked_at=received, asked=self.asked + 1), sent, self.waiting)


class Outcome(NamedTuple):
    """What follows from one message: the session from now on, what devices said, and why to ask for a rebirth."""

    session: NodeSession
    sent: list[Sent]
    rebirth: str | None = None
    """None: there is no need to ask, or it was asked a moment ago."""


class _Step(NamedTuple):
    session: NodeSession
    is_old: bool = False


def _number(payload: Any) -> int | None:
    return int(payload.seq) if payload.HasField("seq") else None


def _time(payload: Any) -> int | None:
    at = int(payload.timestamp) if payload.HasField("timestamp") else None
    return at if at is not None and at < _STORABLE else None


def _ends(death: int | None, birth: int | None) -> bool:
    """Return whether the death of this number ends the session that began with the birth of that number.

    One ahead ends it as well: the next connection's death is made when that begins, so the session we know is over, and
    its birth was lost. (A well-known library counts on before it says goodbye.) Others are told late.
    """
    if death == birth or death is None or birth is None:
        return death == birth
    return death == birth + 1 or (birth == _CYCLE - 1 and death == 0)
