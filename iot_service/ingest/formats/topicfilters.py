"""MQTT topic filters: which topics they catch, and which of them catch the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest


def catches(topic_filter: str, topic: str) -> bool:
    """Return whether a subscription of ``topic_filter`` (with ``+`` and ``#``) gets messages on ``topic``."""
    return _meet(topic_filter.split("/"), topic.split("/"), {"+"}, set())


def covers(first: str, second: str) -> bool:
    """Return whether ``first`` catches all that ``second`` catches: a client with both gets messages twice."""
    return _meet(first.split("/"), second.split("/"), {"+"}, set())


def overlap(first: str, second: str) -> bool:
    """Return whether there are topics that both filters catch."""
    return _meet(first.split("/"), second.split("/"), {"+"}, {"+"})


def _meet(first: Sequence[str], second: Sequence[str], jokers: set[str], others: set[str]) -> bool:
    """Return whether one topic fits both; ``jokers`` of the first and ``others`` of the second stand for any level."""
    for here, there in ((first[0], second[0]), (second[0], first[0])):
        if here in {"+", "#"} and there.startswith("$"):
            return False  # wildcards do not catch what begins with $
    for here, there in zip_longest(first, second):
        if here == "#" or (there == "#" and others):
            return True
        if here is None or there is None:
            return False
        if here != there and (here not in jokers or there == "#") and there not in others:
            return False
    return True
