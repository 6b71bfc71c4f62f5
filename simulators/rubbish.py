"""What broken, foreign and hostile devices send: one visible table, so that nothing of it takes us by surprise."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from simulators.message import EVENT, TELEMETRY, Message, cut_to_milliseconds, telemetry, to_milliseconds

_PAUSE = timedelta(seconds=20)
UNKNOWN_DEVICE = "device-that-nobody-registered"
"""The id that no installation knows."""

_ODD_DEVICE = "Robert'); -- \N{SNOWMAN}"

Maker = Callable[[datetime], Message]


def _raw(payload: bytes, suffix: str = TELEMETRY) -> Maker:
    return lambda ts: Message(ts, suffix, payload)


def _values(values: Mapping[str, object]) -> Maker:
    return lambda ts: Message(ts, TELEMETRY, {"ts": to_milliseconds(ts), "values": values})


def _at(stamp: Callable[[datetime], object]) -> Maker:
    return lambda ts: Message(ts, TELEMETRY, {"ts": stamp(ts), "values": {"temperature": -70.0}})


def _event(content: Mapping[str, object]) -> Maker:
    return lambda ts: Message(ts, EVENT, {"ts": to_milliseconds(ts), **content})


def _contradiction(ts: datetime) -> Message:
    """Return two values of one metric for one instant."""
    readings = [{"ts": to_milliseconds(ts), "values": {"temperature": value}} for value in (-70.0, -12.0)]
    return Message(ts, TELEMETRY, readings)


RUBBISH: Mapping[str, Maker] = {
    "empty payload": _raw(b""),
    "not JSON": _raw(b"temperature=-70"),
    "JSON cut off": _raw(b'{"ts": 1700000000000, "values": {"temperature": -7'),
    "not UTF-8": _raw(b'{"values": {"temperature\xff\xfe": 1}}'),
    "binary": _raw(bytes(range(256))),
    "zero bytes": _raw(b'{"values": {"temperature": "\\u0000"}}'),
    "a bare number": _raw(b"-70.2"),
    "a bare null": _raw(b"null"),
    "an empty list": _raw(b"[]"),
    "a list of numbers": _raw(b"[1, 2, 3]"),
    "brackets a hundred thousand deep": _raw(b"[" * 100_000),
    "not a number": _raw(b'{"values": {"temperature": NaN}}'),
    "infinite": _raw(b'{"values": {"temperature": 1e999}}'),
    "an integer of 5,000 digits": _raw(b'{"values": {"temperature": ' + b"9" * 5000 + b"}}"),
    "SenML without a name": _raw(b'[{"bt": 1700000000, "v": -70}]'),
    "SenML with a wrong value": _raw(b'[{"n": "temperature", "v": "cold"}]'),
    "no values": lambda ts: Message(ts, TELEMETRY, {"ts": to_milliseconds(ts)}),
    "values that are a list": lambda ts: Message(ts, TELEMETRY, {"ts": to_milliseconds(ts), "values": [-70.0]}),
    "unknown metric": _values({"temprature": -70.0}),
    "a metric without a name": _values({"": -70.0}),
    "a metric name of 10,000 letters": _values({"t" * 10_000: -70.0}),
    "absurdly warm": _values({"temperature": 9_999.0}),
    "below absolute zero": _values({"temperature": -300.0}),
    "a number as text": _values({"temperature": "-70,2"}),
    "no value": _values({"temperature": None}),
    "an object as value": _values({"temperature": {"value": -70.0}}),
    "a list of objects as value": _values({"temperature": [{"value": -70.0}]}),
    "200 kB of text": _values({"firmware": "x" * 200_000}),
    "12,000 unknown metrics": _values({f"u{number}": 1 for number in range(12_000)}),
    "a week in the future": _at(lambda ts: to_milliseconds(ts + timedelta(days=7))),
    "seconds instead of milliseconds": _at(lambda ts: to_milliseconds(ts) // 1000),
    "before 1970": _at(lambda _: -1_000_000_000_000),
    "beyond the end of the calendar": _at(lambda _: 10**18),
    "time as text": _at(lambda ts: ts.isoformat()),
    "time as a boolean": _at(lambda _: True),
    "two values for one instant": _contradiction,
    "an event without a name": _event({"data": {}}),
    "an event whose name is a number": _event({"name": 7}),
    "an event with data that is no object": _event({"name": "DoorOpened", "data": "wide"}),
    "an unknown status": _raw(b"perhaps", "status"),
    "an acknowledgement of nothing": _raw(b'{"ok": "sure"}', "command/ack"),
    "an unknown topic": _raw(b'{"values": {"temperature": -70}}', "telemetri"),
    "a deeper topic": _raw(b'{"values": {"temperature": -70}}', "telemetry/inside"),
    "an unknown device": lambda ts: replace(telemetry(ts, {"temperature": -70.0}), device_id=UNKNOWN_DEVICE),
    "a device id with odd letters": lambda ts: replace(telemetry(ts, {"temperature": -70.0}), device_id=_ODD_DEVICE),
    "retained, without a time": lambda ts: Message(ts, TELEMETRY, {"values": {"temperature": -70.0}}, retain=True),
}
"""What is wrong with it → a message sent at the given instant."""


def rubbish(seed: str, start: datetime) -> Iterator[Message]:
    """Yield one message every 20 s from ``start`` (UTC) on, without end: each kind of rubbish, and good ones between.

    Each round goes through the whole table in another order. The same arguments give the same messages.
    """
    chance = random.Random(seed)
    ts = cut_to_milliseconds(start)
    kinds = list(RUBBISH)
    for _ in itertools.count():
        chance.shuffle(kinds)
        for kind in kinds:
            yield RUBBISH[kind](ts)
            ts += _PAUSE
            yield telemetry(ts, {"temperature": round(-70 + chance.gauss(0, 0.2), 2), "door": 0})
            ts += _PAUSE
