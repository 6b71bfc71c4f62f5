"""What one session at the broker is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from iot_service.ingest.topics import client_id, marker_topic


class Presence(NamedTuple):
    """A retained message that says whether we are there: its topic, and its payload by that and the time (aware).

    The broker says for us, by the last will, that we are not; will and greeting carry the time of the connection.
    """

    topic: str
    payload: Callable[[bool, datetime], bytes]


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A session with a stable client id, one for each slot.

    ``filters`` are what it subscribes to, ``given_up`` what it is to subscribe to no longer. ``presence`` is how it
    says that it is there.
    """

    slot: str
    filters: tuple[str, ...]
    given_up: tuple[str, ...] = ()
    presence: Presence | None = None

    @property
    def client_id(self) -> str:
        """The client id that the broker knows the session by."""
        return client_id(self.slot)


def working(slot: str, topics: tuple[str, ...], share: str | None) -> SessionPlan:
    """Return the plan of a slot that takes in ``topics``, with others that hold a slot of the same ``share``."""
    marker = marker_topic(slot)
    if share is None:
        return SessionPlan(slot, (*topics, marker) if "iot/v1/+/#" not in topics else topics)
    return SessionPlan(slot, (*_shared(topics, share), marker), given_up=topics)  # it may not have shared before


def draining(slot: str, topics: tuple[str, ...], share: str | None) -> SessionPlan:
    """Return the plan of a slot whose holder is gone: it is dealt nothing new, and gives out what waits in it."""
    given_up = (*topics, *(_shared(topics, share) if share is not None else ()))
    return SessionPlan(slot, (marker_topic(slot),), given_up)


def _shared(topics: tuple[str, ...], share: str) -> tuple[str, ...]:
    return tuple(f"$share/{share}/{topic}" for topic in topics)
