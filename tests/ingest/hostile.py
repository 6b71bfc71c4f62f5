"""What devices send when they are broken or mean it: a corpus written by hand, and messages made from it by chance."""

from __future__ import annotations

import json
import random

from iot_service.ingest.batches import Context
from iot_service.ingest.registry import Registered
from iot_service.ingest.source import Message
from tests.ingest.examples import FIELDS, LIMITS, MILLIS, RECEIVED

DEVICES = {
    "freezer-1": Registered("freezer-1", "freezer", "anna"),
    "freezer-2": Registered("freezer-2", "freezer", "anna"),
    "robot-1": Registered("robot-1", "robot", "anna"),  # of a product that nobody knows
    "banned-1": Registered("banned-1", "freezer", "anna", disabled=True),
}
CONTEXT = Context({"freezer": FIELDS}, LIMITS, "0af3")

TOPICS = [
    "iot/v1/freezer-1/telemetry", "iot/v1/freezer-1/event", "iot/v1/freezer-1/status", "iot/v1/freezer-1/command/ack",
    "iot/v1/robot-1/telemetry", "iot/v1/banned-1/telemetry", "iot/v1/banned-1/status",
    "iot/v1/robot-1/event", "iot/v1/stranger/telemetry", "iot/v1/stranger/status",
    "iot/v1/freezer-1", "iot/v1/freezer-1/", "iot/v1//telemetry", "iot/v1/", "iot/v1", "iot", "", "/", "////",
    "iot/v2/freezer-1/telemetry", "IOT/V1/freezer-1/telemetry", "iot/v1/freezer-1/telemetry/",
    "iot/v1/freezer-1/config",
    "iot/v1/freezer-1/command/ack/again", "iot/v1/freezer-1/TELEMETRY", " iot/v1/freezer-1/telemetry",
    "iot/v1/freezer 1/telemetry", "iot/v1/frys\u00e9r/telemetry", "iot/v1/\U0001f9ca/event", "iot/v1/a\x00b/telemetry",
    "iot/v1/\ud800/telemetry", "iot/v1/'; DROP TABLE reading; --/telemetry", "iot/v1/../telemetry",
    "iot/v1/+/telemetry",
    "iot/v1/#", "iot/v1/" + "d" * 65 + "/telemetry", "iot/v1/" + "d" * 60_000 + "/telemetry", "iot/v1/%s%n/telemetry",
    "iot/v1/$ingest", "iot/v1/$ingest/", "iot/v1/$ingest/1/2", "iot/v1/$share/telemetry", "$SYS/broker/uptime",
    "spBv1.0/group/NBIRTH/node", "spBv1.0/group/DDATA/node/freezer-1", "spBv1.0/group/NDEATH/node",
    "spBv1.0/STATE/host",
    "v1/gateway/telemetry", "v1/gateway/attributes", "v1/gateway/connect", "shellies/freezer-1/relay/0",
]  # fmt: skip

_DEEP = 3_000

NUMBERS = [
    b"0", b"-0", b"-0.0", b"1", b"-70", b"-70.25", b"1e2", b"1E+2", b"1e-400", b"5e-324", b"1e308", b"1e309", b"1e400",
    b"-1e400", b"NaN", b"Infinity", b"-Infinity", b"1" * 300, b"1" * 400, b"1" * 4_299, b"1" * 5_000, b"0x10", b"010",
    b"+1", b"1.", b".5", b"1_000", b"--1", b"9007199254740993", b"9223372036854775808", b"18446744073709551616",
    b"0." + b"3" * 2_000, b"1e99999999999", b"\xd9\xa1\xd9\xa2", b"true", b"false",
]  # fmt: skip
STRINGS = [
    b'""', b'"x"', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udc00"', b'"\\ud83d\\ude00"', b'"\\udc00\\ud800"',
    b'"\xf0\x9f\xa7\x8a"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xe2\x82"', b'"\\x"', b'"\\u12"',
    b'"tab\there"',
    b'"\n"', b'"\\n"', b'"\x00"', b'"\x7f"', b'"\xe2\x80\xae"', b'"\xef\xbb\xbf"', b'"' + b"y" * 4_000 + b'"',
    b'"' + b"y" * 4_001 + b'"', b'"' + b"\\\\" * 3_000 + b'"', b'"%s %n {0} ${x}"', b"\"'; DROP TABLE reading; --\"",
    b'"-70"', b'"NaN"', b"'single'", b'"open', b'"\\ud800\\u0041"',
]  # fmt: skip
COMPOUNDS = [
    b"null", b"[]", b"{}", b"[[]]", b"[{}]", b'["P0300"]', b'["P0300", 1]', b"[null]", b'["a\\u0000"]', b"[NaN]",
    b'{"a": {"b": {"c": 1}}}', b'{"": 0}', b'{"a": 1, "a": 2}', b'{"a": 1, "a": 1}', b"[" * 20 + b"]" * 20,
    b'{"x":' * 20 + b"0" + b"}" * 20, b"[" * _DEEP, b"[" * _DEEP + b"]" * _DEEP, b'{"x":' * _DEEP,
    b'{"x":' * _DEEP + b"0" + b"}" * _DEEP, b'["' + b'","'.join([b"z"] * 501) + b'"]', b"[1,]", b"{,}", b'{"a"}',
    b"{1: 2}",
    b'{"value": 1, "unit": "K"}', b'{"\\ud800": 1}', b'{"\\u0000": 1}', b"undefined", b"nul", b"None",
]  # fmt: skip
VALUES = NUMBERS + STRINGS + COMPOUNDS


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


SOUND = [value for value in VALUES if _is_json(value)]
TIMES = [
    str(MILLIS).encode(), str(MILLIS + 299_000).encode(), str(MILLIS + 301_000).encode(), str(MILLIS // 1000).encode(),
    str(MILLIS * 1000).encode(), str(MILLIS).encode() + b".123456", b"0", b"-1", b"1e13", b"253402300800000",
    b"-62135596800001", b"9" * 30, b'"2026-11-21T12:00:00Z"', str(MILLIS - 366 * 86_400_000).encode(),
]  # fmt: skip
NAMES = [
    b'"temperature"', b'"door"', b'"hours"', b'"Seconds"', b'"energy"', b'"codes"', b'"Codes.List"', b'"unheard of"',
    b'""',
    b'"Temperature"', b'"temperature "', b'"\\u0074emperature"', b'"\\ud800"', b'"\\u0000"', b'"ts"', b'"values"',
    b'"' + b"n" * 5_000 + b'"', b"temperature", b"1", b'"__proto__"',
]  # fmt: skip

WHOLE = [
    b'{"values": {"temperature": 1}, "units": {"temperature": "K"}}',
    b'{"values": {"door": 1}, "units": {"door": "m"}}',
    b'{"values": {"temperature": 1}, "units": {"temperature": "\\u0000"}}', b'{"values": {"door": 1}, "units": [1]}',
    b'{"values": {"temperature": 1}, "units": {"door": 7, "no": "K"}}', b'{"values": {"door": 1}, "units": {}}',
    b'{"values": {"codes": "P0300"}, "units": {"codes": "K"}}', b'{"values": {"door": "x"}, "units": {"door": "K"}}',
    b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b'\xef\xbb\xbf{"values": {"door": 1}}', b"{", b"}", b"[", b"]",
    b",",
    b"online", b"offline", b"ONLINE", b"online\n", b'"online"', b'{"values": {"door": 1}}', b'{"values": {"door": 1}} ',
    b'{"values": {"door": 1}} x', b'{"values": {"door": 1}}{"values": {"door": 0}}', b'{"values": {"door": 1}}\n\n',
    b'[{"values": {"door": 1}}, null]', b"[null]", b"[[]]", b'[[{"values": {"door": 1}}]]', b'{"values": [1, 2]}',
    b'{"values": {}}', b'{"values": null}', b'{"ts": 1}', b'{"values": {"door": 1}, "values": {"door": 0}}',
    b'{"values": {"door": 1, "door": 0}}', b'{"values": {"door": 1, "door": 1}}', b'{"door": 1}',
    b'{"Values": {"door": 1}}',
    '{"values": {"door": 1}}'.encode("utf-16"), '{"values": {"door": 1}}'.encode("utf-32"), b'{"values": {"door": 1}',
    b'{"values": {"codes": "\xc3"}}', b'{"values": {"codes": "\xe2\x82\xac', b'{"name": "x"}', b'{"name": 1}',
    b'{"name": "command/ack"}', b'{"name": "x", "data": [1]}', b'{"name": "x", "data": {"a": NaN}}',
    b'{"name": "x", "data": {"a": 1e400}}', b'{"name": "\\u0000"}', b'{"name": "x", "data": {"\\ud800": 1}}',
    b'{"name": "x", "data": ' + b'{"d":' * 15 + b"1" + b"}" * 16,
    b'{"name": "x", "data": ' + b'{"d":' * 16 + b"1" + b"}" * 17,
    b'{"id": 1, "ok": true}', b'{"id": 1, "ok": 1}', b'{"id": "\\u0000", "ok": false}', b'{"id": {"a": 1}, "ok": true}',
    b'{"bn": "urn:dev:mac:0024befffe804ff1/", "n": "temperature", "v": -70}', b'[{"n": "door", "vb": true}]',
    b"\x08\x01\x12\x04\x0a\x02hi", b"%PDF-1.7", b"<xml/>", b"GET / HTTP/1.1\r\n\r\n",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b'{"freezer-1": [{"ts": 1, "values": {"door": 1}}]}', b'{"device": "freezer-1"}', b"1" * 10_000, b"-" * 10_000,
]  # fmt: skip
LARGE = [
    b"[" + b",".join([b'{"values": {"door": 1}}'] * 10_000) + b"]",
    b"[" + b",".join([b"0"] * 130_000) + b"]",
    b"[" + b",".join([b"{}"] * 80_000) + b"]",
    b"[" * 262_144,
    b'{"values": {' + b",".join(b'"m%d": 1' % number for number in range(10_001)) + b"}}",
    b'{"values": {' + b",".join(b'"m%d": 1' % number for number in range(10_000)) + b"}}",
    b'{"values": {"codes": "' + b"c" * 262_000 + b'"}}',
    b"x" * 262_145,
    b"\xff" * 3_000_000,
    b'{"values": {"door": ' + b"1" * 200_000 + b"}}",
    b"[" + b",".join([b'{"name": "x"}'] * 1_001) + b"]",
]
"""Each alone costs as much as a thousand of the others."""


class Hostile:
    """By chance, of one seed: values where they do not belong, broken off, mixed up, now and then good ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._received = RECEIVED

    def message(self) -> Message:
        """The next message; no two have the same time of receipt."""
        chance = self._random
        topic = chance.choice(TOPICS) if chance.random() < 0.1 else chance.choices(TOPICS[:4], [8, 4, 1, 1])[0]
        payload = chance.choice(WHOLE) if chance.random() < 0.1 else self._document(topic)
        if chance.random() < 0.15:
            payload = self._damaged(payload)
        self._received += chance.randrange(1, 3_000)
        return Message(topic, payload, self._received, retained=chance.random() < 0.1)

    def _document(self, topic: str) -> bytes:
        chance = self._random
        if topic.endswith("status"):
            return chance.choice([b"online", b"offline", self._value()])
        entries = [self._entry(topic) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        return entries[0] if len(entries) == 1 and chance.random() < 0.8 else b"[" + b", ".join(entries) + b"]"

    def _entry(self, topic: str) -> bytes:
        chance = self._random
        if topic.endswith("ack"):
            fields = [(b'"id"', self._value()), (b'"ok"', chance.choice([b"true", b"false", self._value()]))]
        elif topic.endswith("event"):
            fields = [(b'"name"', chance.choice([b'"DripTrayFull"', chance.choice(STRINGS)]))]
            if chance.random() < 0.7:
                fields.append((b'"data"', b'{"a": %s}' % self._value() if chance.random() < 0.7 else self._value()))
        else:
            pairs = [self._pair() for _ in range(chance.choice([0, 1, 1, 2, 4]))]
            fields = [(b'"values"', b"{" + b", ".join(pairs) + b"}")]
        if chance.random() < 0.7 and not topic.endswith("ack"):
            fields.append((b'"ts"', chance.choice(TIMES[:2] if chance.random() < 0.8 else [*TIMES, self._value()])))
        if chance.random() < 0.05:
            fields.append((chance.choice(NAMES), self._value()))
        chance.shuffle(fields)
        return b"{" + b", ".join(name + b": " + value for name, value in fields) + b"}"

    def _pair(self) -> bytes:
        chance = self._random
        name = chance.choice(NAMES[:7] if chance.random() < 0.85 else NAMES)
        if chance.random() < 0.5:
            return name + b": " + chance.choice(NUMBERS[:6])
        return name + b": " + (b'"P0300"' if b"odes" in name and chance.random() < 0.5 else self._value())

    def _value(self) -> bytes:
        """Mostly one that is JSON: what breaks the whole message hides what else is wrong with it."""
        return self._random.choice(SOUND if self._random.random() < 0.9 else VALUES)

    def _damaged(self, payload: bytes) -> bytes:
        chance = self._random
        place = chance.randrange(len(payload) + 1)
        how = chance.randrange(5)
        if how == 0:
            return payload[:place]
        if how == 1:
            return payload[:place] + bytes([chance.randrange(256)]) + payload[place:]
        if how == 2:
            return payload[:place] + bytes([chance.randrange(256)]) + payload[place + 1 :]
        if how == 3:
            return payload[:place] + chance.choice(VALUES) + payload[place:]
        return payload[:place] + payload[place // 2 :]


def by_chance(seed: int, count: int) -> list[Message]:
    """So many messages of one seed."""
    made = Hostile(seed)
    return [made.message() for _ in range(count)]


def corpus() -> list[Message]:
    """Each payload of the corpus on each kind of topic, and each topic with a good payload."""
    payloads = WHOLE + VALUES
    payloads += [b'{"values": {%s: %s}}' % (name, value) for name in NAMES[:7] for value in VALUES]
    payloads += [b'{"ts": %s, "values": {"door": 1}}' % at for at in TIMES + VALUES]
    payloads += [b'{"values": {%s: 1}}' % name for name in NAMES]
    payloads += [b'{"name": %s, "data": %s}' % (name, b'{"a": %s}' % data) for name in STRINGS[:8] for data in VALUES]
    sent = [(topic, payload) for topic in TOPICS[:4] for payload in payloads + LARGE]
    sent += [(topic, json.dumps({"values": {"door": 1}}).encode()) for topic in TOPICS]
    return [Message(topic, payload, RECEIVED + number) for number, (topic, payload) in enumerate(sent)]
