"""What is kept of a device between two runs: what cannot be computed again from its readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from iot_service.model.device import ServiceState
from iot_service.rules.lifecycle import INACTIVE, Phase, Repetition, RuleState
from iot_service.rules.why import Unknown, Why

Value = float | str | tuple[str, ...]


@dataclass(slots=True)
class DeviceState:
    """One device, as it is at the instant up to which it was folded.

    ``until`` and ``received`` are that place: samples at or before (``until``, ``received``) are past; ``received``
    None means that everything at ``until`` is. ``readings`` and ``attributes`` are the newest of each name with their
    times, ``previous`` the values before those (of names whose changes matter), ``facts`` the parameters and facts that
    were judged with. ``ready_since``: since when a commissioning device has been in its normal range. ``heard``: the
    newest time of receipt that was seen. ``watched``: the metrics that rules looked at, None for all. ``repetitions``
    count for rules with ``repeat``; ``tracks`` are what lets must remember: the track itself once a fold has taken it
    up, before that its JSON. ``revision`` names the change of rules up to which they were taken into account,
    ``variant`` the overrides that were. ``unknown`` says of rules that could not be judged the last time why that is.
    All times are UTC.
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
    previous: dict[str, Value] = field(default_factory=dict)
    repetitions: dict[str, Repetition] = field(default_factory=dict)
    tracks: dict[str, Any] = field(default_factory=dict)
    revision: int = 0
    variant: str = ""
    unknown: dict[str, Unknown] = field(default_factory=dict)

    def is_past(self, at: datetime, received: datetime) -> bool:
        """Return whether a sample of this time has been folded, or comes too late to be."""
        if self.until is None or at > self.until:
            return False
        return at < self.until or self.received is None or received <= self.received


def to_json(state: DeviceState) -> dict[str, Any]:
    """Return ``state`` for the column ``rule_state.state``; service state and place have columns of their own."""
    data = {
        "readings": {name: [at.isoformat(), value] for name, (at, value) in state.readings.items()},
        "attributes": {name: [at.isoformat(), value] for name, (at, value) in state.attributes.items()},
        "facts": state.facts,
        "rules": {name: [rule.phase.value, _text(rule.since)] for name, rule in state.rules.items()},
        "ready_since": _text(state.ready_since),
        "recheck_at": _text(state.recheck_at),
        "heard": _text(state.heard),
        "watched": state.watched,
    }
    if state.previous:
        data["previous"] = state.previous
    if state.repetitions:
        data["repetitions"] = {
            name: [_text(each.since), each.counted, [at.isoformat() for at in each.times]]
            for name, each in state.repetitions.items()
        }
    if state.tracks:
        data["tracks"] = {name: track_json(track) for name, track in state.tracks.items()}
    if state.revision:
        data["revision"] = state.revision
    if state.variant:
        data["variant"] = state.variant
    if state.unknown:
        data["unknown"] = {name: [each.why.value, each.what] for name, each in sorted(state.unknown.items())}
    return data


def track_json(track: Any) -> Any:
    """Return what is kept of a track, which may be its JSON already."""
    return track.to_json() if hasattr(track, "to_json") else track


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
        previous={
            name: tuple(value) if isinstance(value, list) else value for name, value in data.get("previous", {}).items()
        },
        repetitions={
            name: Repetition(_time_or_none(since), counted, tuple(map(_time, times)))
            for name, (since, counted, times) in data.get("repetitions", {}).items()
        },
        tracks=dict(data.get("tracks", {})),
        revision=data.get("revision", 0),
        variant=data.get("variant", ""),
        unknown={name: Unknown(Why(why), what) for name, (why, what) in data.get("unknown", {}).items()},
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
