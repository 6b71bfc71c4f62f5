"""What the live view shows, kept between polls. Pure: fed with rows, asked for lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from iot_service.live.store import Poll, Row
from iot_service.live.stories import Story, printable, stories
from iot_service.live.vocabulary import Vocabulary

_KEPT = 400


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device: ``value`` is the newest of its headline metric, ``trend`` its newest readings, oldest first.

    ``severity`` is that of its gravest open need; ``at`` is when the newest value was measured (UTC).
    """

    name: str
    service_state: str
    online: bool | None
    severity: str | None
    metric: str = ""
    unit: str = ""
    value: float | None = None
    at: datetime | None = None
    trend: tuple[float, ...] = ()


class LiveModel:
    """The state of one view, from its start on."""

    def __init__(
        self, words: Vocabulary, *, url: str, speed: float = 1.0, login: str = "", product: str = "iot-service"
    ) -> None:
        """Take the console's address, the speed of the clock (times life), and what is needed to log in (may be empty).

        ``product`` is the name on top.
        """
        self.login = login
        self.words = words
        self.url = url
        self.speed = speed
        self.product = product
        self.devices: tuple[DeviceLine, ...] = ()
        self.totals: Mapping[str, Any] = {}
        self.stories: deque[Story] = deque(maxlen=_KEPT)
        self.seconds_to_first_need: float | None = None
        self._told: set[int] = set()
        self._topics: set[str] = set()

    def apply(self, poll: Poll, *, elapsed: float) -> list[Story]:
        """Take in what a poll found ``elapsed`` seconds of life after the start; return the new lines, oldest first."""
        found = stories(poll, self.words, told=frozenset(self._told))
        fresh = [story for story in found if not story.topic or story.topic not in self._topics]
        self._topics |= {story.topic for story in fresh}
        self._told = {row["id"] for row in poll.deliveries}
        self.stories.extend(fresh)
        self.devices = tuple(self._device(row) for row in poll.devices)
        self.totals = poll.totals
        if self.seconds_to_first_need is None and any(row["type"] == "need.opened" for row in poll.events):
            self.seconds_to_first_need = round(elapsed, 1)
        return fresh

    def _device(self, row: Row) -> DeviceLine:
        trend = tuple(reversed(row["readings"] or ()))
        return DeviceLine(
            name=printable(row["name"]),
            service_state=row["service_state"],
            online=row["online"],
            severity=row["severity"],
            metric=row["metric"] or "",
            unit=self.words.unit(row["product"], row["metric"] or ""),
            value=trend[-1] if trend else None,
            at=row["stamps"][0].astimezone(UTC) if row["stamps"] else None,
            trend=trend,
        )


def plain_lines(fresh: list[Story]) -> list[str]:
    """Return the new lines for where there is no terminal: one line each, no colours and no control codes."""
    return [
        f"{story.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {story.step.value:<8} {story.who}: {story.text}"
        for story in fresh
    ]
