"""Sparkplug's topics: ``spBv1.0/{group}/{what}/{edge node}`` and, for what concerns a device, ``/{device}``."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from iot_service.ingest.jsontext import keeps_text

NAMESPACE = "spBv1.0"
SUBSCRIPTION = f"{NAMESPACE}/#"
"""The topic filter that catches everything edge nodes say; our own requests and host states come with it."""
_LONGEST = 256  # characters of a group, edge node or device id: they are keys in the database


class Verb(StrEnum):
    """What a message is about: births, data and deaths of edge nodes and devices, and commands to them."""

    NBIRTH = "NBIRTH"
    NDATA = "NDATA"
    NDEATH = "NDEATH"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDATA = "DDATA"
    DDEATH = "DDEATH"
    DCMD = "DCMD"
    STATE = "STATE"


class NodeKey(NamedTuple):
    """An edge node: its group and its id in it."""

    group: str
    node: str

    def address(self, device: str = "") -> str:
        """Return what devices are registered under: ``group/node/device``, or ``group/node`` for the node itself."""
        return f"{self.group}/{self.node}/{device}" if device else f"{self.group}/{self.node}"


class SparkplugTopic(NamedTuple):
    """A topic that we understand; ``device`` is empty for what concerns the edge node. A state is of no node."""

    verb: Verb
    key: NodeKey
    device: str = ""


@lru_cache(maxsize=20_000)
def parse_topic(topic: str) -> SparkplugTopic | None:
    """Return what ``topic`` is about, or None when it is none of Sparkplug's or its ids are too long to keep."""
    levels = topic.split("/")
    if levels[0] != NAMESPACE or len(levels) < 3:
        return None
    if levels[1] == Verb.STATE:
        return SparkplugTopic(Verb.STATE, NodeKey("", "")) if len(levels) == 3 else None
    ids = [levels[1], *levels[3:]]
    if levels[2] not in Verb.__members__ or not all(0 < len(each) <= _LONGEST and keeps_text(each) for each in ids):
        return None
    verb = Verb(levels[2])
    if len(ids) != (3 if verb.startswith("D") else 2):
        return None
    return SparkplugTopic(verb, NodeKey(ids[0], ids[1]), ids[2] if len(ids) == 3 else "")


def is_sparkplug(topic: str) -> bool:
    """Return whether ``topic`` is in Sparkplug's namespace."""
    return topic.startswith(f"{NAMESPACE}/")
