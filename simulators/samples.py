"""Messages as the rule engine's input, for tests of rules that need no broker and no database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from iot_service.model.reading import Sample, SampleKind
from simulators.message import EVENT, TELEMETRY, Message

_INSTANT = timedelta(microseconds=1)


def to_samples(
    messages: Iterable[Message],
    *,
    received_from: datetime | None = None,
    names: Mapping[str, str] | None = None,
) -> Iterator[Sample]:
    """Yield the samples in well-formed ``messages``, in their order; what is neither telemetry nor event is left out.

    Each message is received as it is sent; with ``received_from`` (UTC) all of them from then on in one burst. Times of
    receipt strictly increase. ``names`` gives the flat name for another one (VSS path → metric).
    """
    received: datetime | None = None
    for message in messages:
        at = message.ts if received_from is None else received_from
        received = at if received is None or at > received else received + _INSTANT
        if message.topic_suffix == TELEMETRY:
            payload = json.loads(message.body())
            for part in payload if isinstance(payload, list) else [payload]:
                ts = _instant(part["ts"])
                for name, value in part["values"].items():
                    yield _sample((names or {}).get(name, name), ts, received, value)
        elif message.topic_suffix == EVENT:
            payload = json.loads(message.body())
            ts, data = _instant(payload["ts"]), json.dumps(payload.get("data", {}))
            yield Sample(SampleKind.EVENT, payload["name"], ts, received, data)


def _sample(name: str, ts: datetime, received: datetime, value: float | str | list[str]) -> Sample:
    if isinstance(value, str):
        return Sample(SampleKind.ATTRIBUTE, name, ts, received, value)
    if isinstance(value, list):
        return Sample(SampleKind.ATTRIBUTE, name, ts, received, tuple(value))
    return Sample(SampleKind.READING, name, ts, received, float(value))


def _instant(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
