"""Whatever comes in: no crash, nothing passed over in silence, and nothing in a batch that the database cannot hold."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_service.db import Database
from iot_service.ingest.batches import Batch, build_batch
from iot_service.ingest.letters import DeadLetter
from iot_service.ingest.limits import LETTERS_AN_HOUR, STRANGERS_LETTERS_AN_HOUR
from iot_service.ingest.reasons import Reason
from iot_service.ingest.registry import Registered, Registry
from iot_service.ingest.source import Message
from iot_service.ingest.store import store_batch
from tests.factories import make_device, make_home
from tests.ingest import hostile
from tests.ingest.examples import FIELDS, LIMITS, MILLIS, NOW, RECEIVED, telemetry
from tests.ingest.hostile import CONTEXT, DEVICES, LARGE, TOPICS, by_chance, corpus
from tests.ingest.rows import count, rows

MESSAGES = 100_000
AT_A_TIME = 1_000
METRICS = {field.name for field in FIELDS.by_name.values() if field.is_metric}
ATTRIBUTES = {field.name for field in FIELDS.by_name.values() if not field.is_metric}
BOUNDS = {field.name: (field.low, field.high) for field in FIELDS.by_name.values() if field.is_metric}

REASONS = {
    Reason.UNKNOWN_TOPIC, Reason.UNKNOWN_DEVICE, Reason.DEVICE_DISABLED, Reason.UNKNOWN_PRODUCT, Reason.NOT_JSON,
    Reason.WRONG_SHAPE, Reason.UNKNOWN_FIELD, Reason.UNKNOWN_METRIC, Reason.WRONG_TYPE, Reason.OUT_OF_RANGE,
    Reason.NOT_FINITE, Reason.TOO_OLD, Reason.IN_FUTURE, Reason.RETAINED_WITHOUT_TIME, Reason.CONFLICT,
}  # fmt: skip
"""What can be wrong with the contract's JSON; nothing of it may be refused by the database."""


def is_ours(topic: str) -> bool:
    """Commands go down, and markers are for ourselves: nothing that a device says."""
    levels = topic.split("/")
    return topic.startswith("iot/v1/$ingest/") or (topic.startswith("iot/v1/") and levels[3:] == ["command"])


def letters(batch: Batch) -> Iterator[DeadLetter]:
    for _, kept, _ in batch.letters.buckets():
        yield from kept


def outcomes(batch: Batch) -> int:
    """How much came of a batch."""
    rows = len(batch.readings) + len(batch.attributes) + len(batch.events) + len(batch.statuses)
    return rows + len(batch.letters) + len(batch.caught_up)


def fits_text(text: str) -> bool:
    """Whether PostgreSQL takes it as text."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fits_json(value: object) -> bool:
    """Whether PostgreSQL takes it as jsonb."""
    if isinstance(value, str):
        return fits_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(fits_json, value))
    if isinstance(value, dict):
        return all(fits_text(name) and fits_json(inner) for name, inner in value.items())
    return True


def is_storable(batch: Batch) -> bool:
    """Whether each row is one that the database takes, and says what the product model allows."""
    for (device_id, metric, ts), (value, received, assumed) in batch.readings.items():
        low, high = BOUNDS[metric]
        assert device_id in DEVICES
        assert isinstance(value, float)
        assert low <= value <= high
        assert math.isfinite(value)
        assert isinstance(ts, int)
        assert received - LIMITS.retention <= ts <= received + LIMITS.ahead
        assert not assumed or ts == received
    for (device_id, name, ts), row in (*batch.attributes.items(), *batch.events.items()):
        assert device_id in DEVICES
        assert name in ATTRIBUTES or (device_id, name, ts) in batch.events
        assert 0 < len(name) <= 128
        assert fits_text(name)
        assert fits_json(json.loads(row.value))
        assert row.received - LIMITS.retention <= ts <= row.received + LIMITS.ahead
    for letter in letters(batch):
        assert fits_text(letter.topic)
        assert letter.device_id is None or (fits_text(letter.device_id) and len(letter.device_id) <= 512)
        assert fits_text(letter.detail)
        assert 0 < len(letter.detail) <= 500
        assert isinstance(letter.payload, bytes)
        assert letter.reason in Reason
    return True


def check_alone(messages: Sequence[Message]) -> Counter[str]:
    """Check each message in a batch of its own; return how often what came of one."""
    kinds: Counter[str] = Counter()
    for message in messages:
        batch = build_batch([message], DEVICES, CONTEXT)
        assert outcomes(batch) >= 1 or is_ours(message.topic), message
        assert is_storable(batch), message
        kinds["readings"] += bool(batch.readings)
        kinds["attributes"] += bool(batch.attributes)
        kinds["events"] += bool(batch.events)
        kinds["statuses"] += bool(batch.statuses)
        for letter in letters(batch):
            kinds[letter.reason] += 1
    return kinds


def test_nothing_of_the_corpus_crashes_or_is_passed_over() -> None:
    kinds = check_alone(corpus())
    assert {*REASONS, Reason.TOO_LARGE} - {Reason.CONFLICT, Reason.RETAINED_WITHOUT_TIME} <= kinds.keys()
    assert min(kinds["readings"], kinds["attributes"], kinds["events"], kinds["statuses"]) > 0


def test_a_hundred_thousand_messages_by_chance_neither_crash_nor_are_passed_over() -> None:
    kinds: Counter[str] = Counter()
    seen = 0

    @settings(max_examples=MESSAGES // AT_A_TIME, deadline=None, database=None)
    @given(st.integers(0, 2**63))
    def fuzz(seed: int) -> None:
        nonlocal seen
        kinds.update(check_alone(by_chance(seed, AT_A_TIME)))
        seen += AT_A_TIME

    fuzz()
    assert seen >= MESSAGES
    assert min(kinds[name] for name in ("readings", "attributes", "events", "statuses")) > seen / 1_000
    assert min(kinds[reason] for reason in REASONS) > 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from([*FIELDS.by_name, "unheard of"]) | st.text(max_size=10)
entries = st.fixed_dictionaries(
    {"values": st.dictionaries(names, json_values, max_size=5) | json_values},
    optional={"ts": st.integers() | st.floats() | json_values, "name": json_values, "data": json_values},
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TOPICS), st.one_of(entries, st.lists(entries, max_size=4), json_values), st.booleans())
def test_any_json_on_any_topic_comes_to_something(topic: str, document: object, retained: bool) -> None:
    payload = json.dumps(document).encode(errors="surrogatepass")
    check_alone([Message(topic, payload, RECEIVED, retained)])


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(TOPICS) | st.text(max_size=30), st.binary(max_size=200))
def test_any_bytes_on_any_topic_come_to_something(topic: str, payload: bytes) -> None:
    check_alone([Message(topic, payload, RECEIVED)])


KNOWN: list[tuple[str, Any, tuple[str, Any] | Reason]] = [
    ("temperature", -70, ("temperature", -70.0)), ("temperature", 80.0, ("temperature", 80.0)),
    ("temperature", True, ("temperature", 1.0)), ("temperature", 80.01, Reason.OUT_OF_RANGE),
    ("temperature", None, Reason.WRONG_TYPE), ("temperature", "-70", Reason.WRONG_TYPE),
    ("temperature", [-70], Reason.WRONG_TYPE), ("temperature", math.nan, Reason.NOT_FINITE),
    ("door", 1, ("door", 1.0)), ("door", False, ("door", 0.0)), ("door", 2, Reason.OUT_OF_RANGE),
    ("door", {"open": 1}, Reason.WRONG_TYPE), ("door", math.inf, Reason.NOT_FINITE),
    ("Seconds", 7200, ("hours", 2.0)), ("energy", 1e300, ("energy", 1e300)), ("energy", 10**400, Reason.OUT_OF_RANGE),
    ("energy", -0.0, ("energy", 0.0)), ("energy", 5e-324, ("energy", 5e-324)),
    ("codes", "P0300", ("codes", '"P0300"')), ("codes", ["P0300"], ("codes", '["P0300"]')), ("codes", [], ("codes",
    "[]")),
    ("codes", 1, Reason.WRONG_TYPE), ("codes", "a\x00", Reason.WRONG_TYPE), ("codes", "\ud800", Reason.WRONG_TYPE),
    ("codes", "c" * 4_001, Reason.TOO_LARGE), ("unheard of", 1, Reason.UNKNOWN_METRIC),
    ("Door", 1, Reason.UNKNOWN_METRIC),
]  # fmt: skip
"""A name, what is sent under it, and what is to come of it."""
choices = st.lists(st.sampled_from(KNOWN), min_size=1, max_size=8, unique_by=lambda item: item[0])


@settings(max_examples=500, deadline=None)
@given(st.lists(choices, min_size=1, max_size=4), st.booleans())
def test_of_each_value_it_is_known_what_comes_of_it(sent: list[list[Any]], with_time: bool) -> None:
    """One message of several entries, each an instant of its own; without a time there can be but one."""
    sent = sent if with_time else sent[:1]
    document = [
        {**({"ts": MILLIS - place} if with_time else {}), "values": {name: value for name, value, _ in values}}
        for place, values in enumerate(sent)
    ]
    message = Message("iot/v1/freezer-1/telemetry", json.dumps(document).encode(), RECEIVED)
    batch = build_batch([message], DEVICES, CONTEXT)
    expected = [(RECEIVED - 1000 * place, *item[2:]) for place, values in enumerate(sent) for item in values]
    good = {("freezer-1", what[0], ts): what[1] for ts, what in expected if isinstance(what, tuple)}
    found: dict[Any, Any] = {key: row.value for key, row in batch.readings.items()}
    found |= {key: row.value for key, row in batch.attributes.items()}
    assert found == good
    assert all((row.received, row.assumed) == (RECEIVED, not with_time) for row in batch.readings.values())
    bad = sorted(what for _, what in expected if isinstance(what, Reason))
    assert sorted(letter.reason for letter in letters(batch)) == bad
    again = [json.loads(letter.payload) for letter in letters(batch) if letter.reason is not Reason.TOO_LARGE]
    assert all(isinstance(part["ts"], int | float) and len(part["values"]) == 1 for part in again)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**63))
def test_messages_come_to_the_same_together_as_alone(seed: int) -> None:
    """Each from a device of its own, so that none contradicts another."""
    messages = [
        message._replace(topic=message.topic.replace("freezer-1", f"freezer-{place}"))
        for place, message in enumerate(by_chance(seed, 100))
    ]
    devices = {
        **DEVICES,
        **{f"freezer-{place}": Registered(f"freezer-{place}", "freezer", "anna") for place in range(100)},
    }
    together = build_batch(messages, devices, CONTEXT)
    alone = [build_batch([message], devices, CONTEXT) for message in messages]
    for part in ("readings", "attributes", "events", "touched"):
        assert getattr(together, part) == {key: row for one in alone for key, row in getattr(one, part).items()}
    assert together.statuses == [status for one in alone for status in one.statuses]
    assert Counter(letters(together)) == Counter(letter for one in alone for letter in letters(one))


def test_what_comes_of_hostile_messages_can_be_stored(database: Database) -> None:
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
        make_device(connection, id="robot-1")
        make_device(connection, id="banned-1")
    messages = [*corpus(), *by_chance(1, 3_000)]
    stored: Counter[str] = Counter()
    for start in range(0, len(messages), 500):
        batch = build_batch(messages[start : start + 500], DEVICES, CONTEXT)
        with database.transaction() as connection:
            store_batch(connection, batch, now=NOW)
        stored["letters"] += len(batch.letters)
        stored["devices"] += len(batch.touched)
    counted = rows(database, "dead_letter_count", "kept", "dropped")
    assert sum(kept + dropped for kept, dropped in counted) == stored["letters"]
    assert sum(kept for kept, _ in counted) == count(database, "dead_letter") > 1_000
    assert count(database, "touched") == stored["devices"]
    assert {row[0] for row in rows(database, "reading", "metric")} == METRICS
    assert count(database, "attribute") > 0
    assert count(database, "device_event") > 0


def flood(size: int) -> list[Message]:
    """So many different bad messages of one device."""
    payloads = (b"no JSON %d" % number for number in range(size))
    return [Message("iot/v1/freezer-1/telemetry", bad, RECEIVED + place) for place, bad in enumerate(payloads)]


@pytest.mark.parametrize("size", [200, 5_000])
def test_a_flood_of_bad_messages_of_one_device_costs_the_others_nothing(database: Database, size: int) -> None:
    """However many they are, they become as many rows, and the others' messages go in with them."""
    with database.transaction() as connection:
        make_home(connection)
        make_device(connection, id="freezer-2")
    others = [telemetry({"temperature": -70 - at / 100}, ts=MILLIS + at, device="freezer-2") for at in range(50)]
    bad_of_another = telemetry({"window": 1}, device="freezer-2")
    batch = build_batch([*flood(size), bad_of_another, *others], DEVICES, CONTEXT)
    assert len(list(letters(batch))) == LETTERS_AN_HOUR + 1  # more are not even held in memory
    with database.transaction() as connection:
        store_batch(connection, batch, now=NOW)
    assert count(database, "reading") == len(others)
    assert rows(database, "dead_letter_count", "device_id", "reason", "kept", "dropped") == [
        ("freezer-1", "not_json", LETTERS_AN_HOUR, size - LETTERS_AN_HOUR),
        ("freezer-2", "unknown_metric", 1, 0),
    ]
    assert count(database, "dead_letter") == LETTERS_AN_HOUR + 1


def test_a_flood_of_made_up_devices_is_bounded_too_and_asks_the_database_once_for_each() -> None:
    asked: list[str] = []
    registry = Registry(lambda ids: asked.extend(ids) or {})  # type: ignore[func-returns-value]  # extend gives None
    names = [f"stranger-{number % 2_000}" for number in range(6_000)]
    for start in range(0, len(names), 500):
        registry.devices(names[start : start + 500], at=start / 100_000)
    assert sorted(asked) == sorted(set(names))
    batch = build_batch([telemetry({"door": 1}, device=name) for name in names], {}, CONTEXT)
    assert len(batch.letters) == len(names)
    assert len(list(letters(batch))) == STRANGERS_LETTERS_AN_HOUR


def test_a_payload_that_is_too_large_is_refused_before_it_is_read() -> None:
    """Only its beginning is kept: a flood of large ones fills neither memory nor the database."""
    too_large = [payload for payload in LARGE if len(payload) > 256 * 1024]
    assert too_large
    for payload in too_large:
        (letter,) = letters(build_batch([Message(TOPICS[0], payload, RECEIVED)], DEVICES, CONTEXT))
        assert letter.reason is Reason.TOO_LARGE
        assert letter.payload == payload[: len(letter.payload)]
        assert len(letter.payload) <= 4_000


def test_the_corpus_holds_what_it_says() -> None:
    """Deep nesting, numbers beyond every float, halves of pairs, NULs, marks of order, names that stand twice."""
    text = b"\n".join(hostile.VALUES + hostile.WHOLE)
    for part in (b"[" * 3_000, b"1e400", b"NaN", b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b'"a": 1, "a": 2', b"\x00"):
        assert part in text
