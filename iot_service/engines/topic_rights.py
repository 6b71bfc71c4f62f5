"""Who may publish to which topics, and listen to which: one table for every kind of broker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SERVICE_USER = "iot-service"
"""The user name of the service itself at the broker."""
GATEWAY_PREFIX = "gateway."
"""What user names of gateways begin with: no id of a device has a dot, so the two never meet."""
_LONGEST_FILTER = 500
_USER = "%u"


@dataclass(frozen=True, slots=True)
class TopicRights:
    """Topic filters that one user may ``write`` (publish) to and ``read`` (receive from); ``%u`` is the user's name."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    def of(self, username: str) -> TopicRights:
        """Return the same rights with the user's name put in its places."""
        return TopicRights(
            tuple(each.replace(_USER, username) for each in self.write),
            tuple(each.replace(_USER, username) for each in self.read),
        )

    def also_writing(self, topics: Iterable[str]) -> TopicRights:
        """Return the same rights with more topic filters to publish to."""
        return TopicRights((*self.write, *topics), self.read)

    def may_publish(self, topic: str) -> bool:
        """Return whether a message may be published to ``topic``."""
        return "+" not in topic and "#" not in topic and any(covers(granted, topic) for granted in self.write)

    def may_receive(self, topic: str) -> bool:
        """Return whether a message on ``topic`` may be delivered."""
        return any(covers(granted, topic) for granted in self.read)

    def may_subscribe(self, wanted: str) -> bool:
        """Return whether everything that the topic filter ``wanted`` can deliver may be received."""
        parts = wanted.split("/", 2)
        if parts[0] == "$share":  # a shared subscription is judged by the plain filter
            wanted = parts[2] if len(parts) == 3 else ""
        return any(covers(granted, wanted) for granted in self.read)


NO_RIGHTS = TopicRights()
"""Of somebody who is unknown, or disabled."""

DEVICE_RIGHTS = TopicRights(
    write=tuple(f"iot/v1/{_USER}/{name}" for name in ("telemetry", "event", "status", "command/ack")),
    read=(f"iot/v1/{_USER}/command",),
)
"""A device speaks and listens for itself only, on the topics of the contract; its user name is its id."""

SERVICE_RIGHTS = TopicRights(
    # Commands, its marker, and what sources of other formats are asked with: a Sparkplug node for its births.
    write=("iot/v1/+/command", "iot/v1/$ingest/#", "spBv1.0/+/NCMD/+", "spBv1.0/+/DCMD/+/+", "spBv1.0/STATE/+"),
    read=("#",),
)
"""The service reads everything that devices and gateways say."""


def covers(granted: str, wanted: str) -> bool:
    """Return whether every topic that the filter (or topic) ``wanted`` matches is matched by the filter ``granted``.

    As MQTT has it, wildcards at the first level match no topic that begins with ``$``.
    """
    if not wanted:
        return False
    ours, theirs = granted.split("/"), wanted.split("/")
    if theirs[0].startswith("$") and ours[0] in {"+", "#"}:
        return False
    for place, level in enumerate(ours):
        if level == "#":
            return True
        if place == len(theirs):
            return False
        if theirs[place] == "#" or level not in ("+", theirs[place]):
            return False
    return len(ours) == len(theirs)


def filter_problem(text: str) -> str | None:
    """Return what is wrong with a topic filter that a gateway shall be granted, or None where it is right."""
    levels = text.split("/")
    if not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST_FILTER:
        return f"must be one line of 1 to {_LONGEST_FILTER} characters without blanks around it"
    if any("#" in level and (level != "#" or place + 1 < len(levels)) for place, level in enumerate(levels)):
        return "has # elsewhere than as its whole last level"
    if any("+" in level and level != "+" for level in levels):
        return "has + beside other characters in one level"
    if text.startswith("$"):
        return "begins with $: such topics are the broker's own"
    if _USER in text or "%c" in text:
        return "has %u or %c, which stand for something else in access lists"
    return None


def gateway_user(gateway_id: str) -> str:
    """Return the user name of a gateway at the broker."""
    return GATEWAY_PREFIX + gateway_id
