"""What is kept of a device between two runs: what cannot be computed again from its readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from iot_service.model.device import ServiceState
from iot_service.rules.lifecycle import INACTIVE, Phase, RuleState

Value = float | str | tuple[str, ...]


@dataclass(slots=True)
class DeviceState:
    """One device, as it is at the instant up to which it was folded.

    ``until`` and ``received`` are that place: samples at or before (``until``, ``received``) are past; ``received``
    None means that everything at ``until`` is. ``readings`` and ``attributes`` are the newest of each name with their
    times, ``facts`` the parameters and facts that were judged with. ``ready_since``: since when a commissioning device
    has been in its normal range. ``heard``: the newest time of receipt that was seen. ``watched``: the metrics
    that rules looked at, None for all. All times are UTC.
    """

    service_state: ServiceState
    until: datetime | None = None
    received: datetime | None = None
    readings: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    attributes: dict[str, tuple[datetime, Value]] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    rules: dict[str, RuleState] = field(default_factory=dict)
    ready_since: datetime | None = None
    recheck_at: datetime | None = None
    heard: datetime | None = None
    watched: tuple[str, ...] | None = None

    def is_past(self, at: datetime, received: datetime) -> bool:
        """Return whether a sample of this time has been folded, or comes too late to be."""
        if self.until is None or at > self.until:
            return False
        return at < self.until or self.received is None or received <= self.received


def to_json(state: DeviceState) -> dict[str, Any]:
    """Return ``state`` for the column ``rule_state.state``; service state and place have columns of their own."""
    return {
        "readings": {name: [at.isoformat(), value] for name, (at, value) in state.readings.items()},
        "attributes": {name: [at.isoformat(), value] for name, (at, value) in state.attributes.items()},
        "facts": state.facts,
        "rules": {name: [rule.phase.value, _text(rule.since)] for name, rule in state.rules.items()},
        "ready_since": _text(state.ready_since),
        "recheck_at": _text(state.recheck_at),
        "heard": _text(state.heard),
        "watched": state.watched,
    }


def from_json(
    data: Mapping[str, Any], *, service_state: ServiceState, until: datetime | None, received: datetime | None
) -> DeviceState:
    """Return the state that :func:`to_json` gave ``data`` for; an empty mapping is a device never seen before."""
    return DeviceState(
        service_state=service_state,
        until=until,
        received=received,
        readings={name: (_time(at), value) for name, (at, value) in data.get("readings", {}).items()},
        attributes={
            name: (_time(at), tuple(value) if isinstance(value, list) else value)
            for name, (at, value) in data.get("attributes", {}).items()
        },
        facts=dict(data.get("facts", {})),
        rules={
            name: RuleState(Phase(phase), _time_or_none(since)) if phase != Phase.INACTIVE else INACTIVE
            for name, (phase, since) in data.get("rules", {}).items()
        },
        ready_since=_time_or_none(data.get("ready_since")),
        recheck_at=_time_or_none(data.get("recheck_at")),
        heard=_time_or_none(data.get("heard")),
        watched=tuple(data["watched"]) if data.get("watched") is not None else None,
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
