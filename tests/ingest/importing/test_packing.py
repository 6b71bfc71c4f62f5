"""Records become rows, and everything else goes the way of all messages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.batches import build_batch
from iot_service.ingest.importing.packing import Packer, Parcel
from iot_service.ingest.importing.records import Chunk, Misfit, Oddity, Record
from iot_service.ingest.letters import DeadLetter
from iot_service.ingest.micros import HOUR
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.registry import Registered
from tests.ingest.examples import LIMITS, MILLIS, RECEIVED, telemetry
from tests.ingest.hostile import CONTEXT, DEVICES
from tests.ingest.test_fuzz import KNOWN

PAST = RECEIVED - 100 * HOUR


def find(ids: list[str]) -> dict[str, Registered]:
    return {device_id: DEVICES[device_id] for device_id in ids if device_id in DEVICES}


def pack(
    *records: Record, oddities: Sequence[Oddity] = (), misfits: Sequence[Misfit] = (), texts: bool = False
) -> Parcel:
    packer = Packer(find, CONTEXT, received=RECEIVED, historic=True, name="some.csv")
    return packer.pack(Chunk(records, oddities, misfits, texts=texts, position=7))


def letters(parcel: Parcel) -> list[DeadLetter]:
    return [letter for _, kept, _ in parcel.batch.letters.buckets() for letter in kept]


def test_good_values_are_packed_with_what_is_to_be_known_of_them() -> None:
    parcel = pack(
        ("freezer-1", PAST, {"temperature": -70, "door": True}),
        ("freezer-1", PAST + HOUR, {"temperature": -71.5}),
        ("freezer-2", PAST - 5, {"Seconds": 7200}),
    )
    assert (parcel.readings, parcel.position, len(parcel.batch.letters)) == (4, 7, 0)
    assert parcel.spans == {"freezer-1": (PAST, PAST + HOUR), "freezer-2": (PAST - 5, PAST - 5)}
    assert parcel.hours == {
        ("freezer-1", PAST): {"temperature", "door"},
        ("freezer-1", PAST + HOUR): {"temperature"},
        ("freezer-2", PAST - HOUR): {"hours"},
    }


def test_what_is_not_plainly_good_is_a_dead_letter_as_if_a_device_had_sent_it() -> None:
    parcel = pack(
        ("freezer-1", PAST, {"temperature": 200, "door": 1}),
        ("stranger", PAST, {"door": 1}),
        ("robot-1", PAST, {"door": 1}),
        ("freezer-1", RECEIVED - 2 * LIMITS.retention, {"door": 1}),
        ("not an id\x00", PAST, {"door": 1}),
        oddities=[Oddity("freezer-1", {"ts": "noon", "values": {"door": 1}})],
        misfits=[Misfit(b"rubbish", Fault(Reason.NOT_JSON, "not JSON"))],
    )
    assert parcel.readings == 1
    assert {(letter.reason, letter.device_id, letter.topic) for letter in letters(parcel)} == {
        (Reason.OUT_OF_RANGE, "freezer-1", "iot/v1/freezer-1/telemetry"),
        (Reason.UNKNOWN_DEVICE, "stranger", "iot/v1/stranger/telemetry"),
        (Reason.UNKNOWN_PRODUCT, "robot-1", "iot/v1/robot-1/telemetry"),
        (Reason.TOO_OLD, "freezer-1", "iot/v1/freezer-1/telemetry"),
        (Reason.UNKNOWN_DEVICE, "not an id\\0", "iot/v1/not an id\\0/telemetry"),
        (Reason.WRONG_TYPE, "freezer-1", "iot/v1/freezer-1/telemetry"),
        (Reason.NOT_JSON, None, "import/some.csv"),
    }


@pytest.mark.parametrize(
    ("text", "value"), [("-70", -70.0), (" -7e1 ", -70.0), ("true", 1.0), ("FALSE", 0.0)]
)  # fmt: skip
def test_texts_of_a_table_are_numbers_where_the_metric_is_one(text: str, value: float) -> None:
    parcel = pack(("freezer-1", PAST, {"energy": text, "codes": "12"}), texts=True)
    ((end,),) = parcel.rows.values()
    assert json.loads(json.dumps(_value_of(end))) == value
    assert {row.value for row in parcel.batch.attributes.values()} == {'"12"'}


def test_the_letter_of_a_device_that_is_not_registered_yet_holds_numbers_so_that_it_can_be_replayed() -> None:
    (letter,) = letters(pack(("stranger", PAST, {"temperature": "-70", "codes": "P0300"}), texts=True))
    assert json.loads(letter.payload)["values"] == {"temperature": -70.0, "codes": "P0300"}


def test_a_device_may_be_named_by_its_alias_and_a_disabled_one_is_not_heard() -> None:
    def by_alias(ids: list[str]) -> dict[str, Registered]:
        return {**find(ids), **({"old name": DEVICES["freezer-1"]} if "old name" in ids else {})}

    packer = Packer(by_alias, CONTEXT, received=RECEIVED, historic=True, name="some.csv")
    records: list[Record] = [("old name", PAST, {"door": 1, "temperature": 900}), ("banned-1", PAST, {"door": 1})]
    parcel = packer.pack(Chunk(records, (), (), texts=False, position=1))
    assert (parcel.spans, parcel.hours) == (
        {"freezer-1": (PAST, PAST)}, {("freezer-1", PAST): {"door", "temperature"}},
    )  # fmt: skip
    assert [(letter.reason, letter.device_id) for letter in letters(parcel)] == [
        (Reason.DEVICE_DISABLED, "banned-1"), (Reason.OUT_OF_RANGE, "freezer-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cold", Reason.WRONG_TYPE),
        ("nan", Reason.NOT_FINITE),
        ("-inf", Reason.NOT_FINITE),
        ("1e9", Reason.OUT_OF_RANGE),
    ],
)
def test_texts_of_a_table_that_are_no_number_are_dead_letters(text: str, reason: Reason) -> None:
    (letter,) = letters(pack(("freezer-1", PAST, {"temperature": text}), texts=True))
    assert letter.reason is reason


def _value_of(end: bytes) -> float:
    import struct

    return float(struct.unpack(">qid", end)[2])


values = st.sampled_from([(name, value) for name, value, _ in KNOWN])


@settings(max_examples=300, deadline=None)
@given(st.lists(values, min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_a_record_comes_to_the_same_as_the_message_of_a_device(pairs: list[tuple[str, Any]]) -> None:
    """There is one validation: the quick way takes what the other one would take, and nothing else."""
    named = dict(pairs)
    parcel = pack(("freezer-1", RECEIVED, named))
    batch = build_batch([telemetry(named, ts=MILLIS)], DEVICES, CONTEXT)
    assert sorted(_value_of(end) for ends in parcel.rows.values() for end in ends) == sorted(
        row.value for row in batch.readings.values()
    )
    assert parcel.batch.attributes == batch.attributes
    said = [(letter.reason, letter.detail) for _, kept, _ in batch.letters.buckets() for letter in kept]
    assert sorted((letter.reason, letter.detail) for letter in letters(parcel)) == sorted(said)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=5) | st.sampled_from(list(DEVICES)),
    st.integers(-(2**70), 2**70),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none() | st.floats() | st.integers(), max_size=3),
    st.booleans(),
)
def test_any_record_comes_to_something(device_id: str, ts: int, named: dict[str, Any], texts: bool) -> None:
    if texts:
        named = {name: str(value) for name, value in named.items()}
    parcel = pack((device_id, ts, {**named, "energy": "1" if texts else 1}), texts=texts)
    assert parcel.readings + len(parcel.batch.letters) >= 1


def test_a_message_of_too_many_values_is_refused_as_from_a_device() -> None:
    (letter,) = letters(pack(("freezer-1", PAST, {f"m{number}": math.pi for number in range(10_001)})))
    assert letter.reason is Reason.TOO_LARGE
