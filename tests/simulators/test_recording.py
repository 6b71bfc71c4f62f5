from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from iot_service.errors import InvalidInputError
from simulators.mapping import RecordingMapping, load_mapping
from simulators.message import Message
from simulators.recording import read_messages
from simulators.samples import to_samples
from tests.recordings import recording

NOW = datetime(2026, 5, 4, 12, 0, 0, 123_456, tzinfo=UTC)
OBD = "RUN (),ENGINE_RPM (),VEHICLE_SPEED (),COOLANT_TEMPERATURE (),CONTROL_MODULE_VOLTAGE ()\n"


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "recording.csv"
    file.write_bytes(text.encode())
    return file


def _mapping(**content: Any) -> RecordingMapping:
    return RecordingMapping.model_validate({"product": "freezer", **content})


def _values(messages: list[Message]) -> list[dict[str, float]]:
    return [json.loads(message.body())["values"] for message in messages]


TIMED = _mapping(time={"column": "t", "format": "unix"}, columns={"a": "temperature"})


def test_rows_at_a_fixed_rate_end_at_the_instant_they_are_shifted_to(tmp_path: Path) -> None:
    file = _file(tmp_path, OBD + "0, 0, 0, 73, 12.187,\r\n1, 1646, 5, 74, 7.558,\r\n")
    messages = list(read_messages(file, "car-1", load_mapping("car_obd"), shift_to=NOW))
    assert _values(messages) == [
        {"battery_voltage": 12.187, "engine_speed": 0.0, "speed": 0.0, "coolant_temperature": 73.0},
        {"battery_voltage": 7.558, "engine_speed": 1646.0, "speed": 5.0, "coolant_temperature": 74.0},
    ]
    end = NOW.replace(microsecond=123_000)
    assert [message.ts for message in messages] == [end - timedelta(seconds=1), end]
    assert {sample.ts for sample in to_samples(messages)} == {message.ts for message in messages}
    assert messages[0].topic("other") == "iot/v1/car-1/telemetry"


def test_times_stay_where_they_are_unless_they_are_shifted_and_rows_are_put_in_order(tmp_path: Path) -> None:
    messages = list(read_messages(_file(tmp_path, "t,a\n60,2\n0,1\n"), "f", TIMED, shift_to=None))
    assert [(m.ts.timestamp(), _values([m])[0]["temperature"]) for m in messages] == [(0, 1), (60, 2)]


def test_rows_without_times_need_a_start_when_they_are_not_shifted(tmp_path: Path) -> None:
    file = _file(tmp_path, "a\n1\n")
    with pytest.raises(InvalidInputError, match="no times of its own"):
        read_messages(file, "f", _mapping(interval="1s", columns={"a": "x"}), shift_to=None)
    dated = _mapping(interval="1s", start="2024-03-01T08:00:00Z", columns={"a": "x"})
    assert next(read_messages(file, "f", dated, shift_to=None)).ts == datetime(2024, 3, 1, 8, tzinfo=UTC)


def test_empty_cells_are_left_out_and_words_are_numbers_where_they_mean_one(tmp_path: Path) -> None:
    mapping = _mapping(interval="1s", columns={"a": "x", "b": "y"})
    file = _file(tmp_path, "a,b\n1,\n\nnan,NULL\nTrue, False \n")
    assert _values(list(read_messages(file, "f", mapping, shift_to=NOW))) == [{"x": 1.0}, {"x": 1.0, "y": 0.0}]


def test_an_attribute_is_text(tmp_path: Path) -> None:
    mapping = _mapping(interval="1s", columns={"a": "x"}, attributes={"error": "trouble_codes"})
    messages = list(read_messages(_file(tmp_path, "a,error\n1,P0300\n2,\n"), "f", mapping, shift_to=NOW))
    assert messages[0].body().endswith(b'"values":{"x":1.0,"trouble_codes":"P0300"}}')
    assert b"trouble_codes" not in messages[1].body()


def test_each_row_counts_and_rows_of_one_instant_become_one_reading(tmp_path: Path) -> None:
    text = "time,beverage\n2024-03-01T10:15:00,Latte\n2024-03-01T12:20:00,Latte\n2024-03-01T12:20:00,Cocoa\n"
    messages = list(read_messages(_file(tmp_path, text), "c", load_mapping("coffee_sales"), shift_to=None))
    assert [(m.ts, _values([m])[0]["CapsuleCounter"]) for m in messages] == [
        (datetime(2024, 3, 1, 9, 15, tzinfo=UTC), 1.0),
        (datetime(2024, 3, 1, 11, 20, tzinfo=UTC), 3.0),
    ]


def test_several_rows_make_one_message_of_the_time_of_the_last(tmp_path: Path) -> None:
    mapping = _mapping(interval="1s", columns={"a": "x"}, batch=2)
    messages = list(read_messages(_file(tmp_path, "a\n1\n2\n3\n"), "f", mapping, shift_to=NOW))
    assert [len(json.loads(m.body())) for m in messages] == [2, 1]
    assert messages[1].ts - messages[0].ts == timedelta(seconds=1)


def test_a_missing_column_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no column a, t; its columns are: RUN, b$"):
        read_messages(_file(tmp_path, "RUN (),b\n1,2\n"), "f", TIMED, shift_to=NOW)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0,cold", "recording.csv:3: a: 'cold' is no number"),
        ("0,inf", "recording.csv:3: a: 'inf' is not finite"),
        ("noon,1", "recording.csv:3: t: 'noon' is no time of format unix"),
        ("9e99,1", "recording.csv:3: t: '9e99' is no time of format unix"),
        ("0", "recording.csv:3: the row has 1 cells, the header 2"),
        ("0,1,2", "recording.csv:3: the row has 3 cells, the header 2"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_messages(_file(tmp_path, f"t,a\n0,1\n{row}\n"), "f", TIMED, shift_to=NOW)


def test_no_more_than_ten_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read_messages(_file(tmp_path, "t,a\n" + "x,y\n" * 50), "f", TIMED, shift_to=NOW)
    assert len(str(raised.value).splitlines()) == 10


def test_a_file_that_is_not_there_empty_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read: No such file"):
        read_messages(tmp_path / "none.csv", "f", TIMED, shift_to=NOW)
    with pytest.raises(InvalidInputError, match="its columns are: none"):
        read_messages(_file(tmp_path, ""), "f", TIMED, shift_to=NOW)
    (tmp_path / "binary.csv").write_bytes(b"t,a\n0,\xff\xfe\n")
    with pytest.raises(InvalidInputError, match="no CSV file in UTF-8"):
        read_messages(tmp_path / "binary.csv", "f", TIMED, shift_to=NOW)
    assert list(read_messages(_file(tmp_path, "t,a\n"), "f", TIMED, shift_to=NOW)) == []


@pytest.mark.parametrize(
    ("name", "mapping", "rows", "lowest"),
    [
        ("car/long10.csv", "car_obd", 5035, 7.558),
        ("car/live1.csv", "car_obd", 3853, 10.3),
        ("car/live10.csv", "car_obd", 1176, 12.1),
        ("car/idle22.csv", "car_obd", 1864, 11.0),
    ],
)
def test_the_real_trips_are_read_whole(name: str, mapping: str, rows: int, lowest: float) -> None:
    messages = list(read_messages(recording(name), "car", load_mapping(mapping), shift_to=NOW))
    assert len(messages) == rows
    assert min(v["battery_voltage"] for v in _values(messages)) == pytest.approx(lowest, abs=0.06)
    assert max(v["coolant_temperature"] for v in _values(messages)) < 100


def test_the_real_cold_room_is_closed_but_for_a_minute_in_normal_operation() -> None:
    file = recording("freezer/asset_135_1570_sample.csv")
    messages = list(read_messages(file, "room", load_mapping("cold_room"), shift_to=None))
    assert len(messages) == 148
    normal = _values([m for m in messages if m.ts.year == 2023])
    assert sum(v["door"] for v in normal) == 1
    assert all(-36 < v["temperature"] < -35 for v in normal)


def test_the_real_coffee_machine_counts_every_drink() -> None:
    file = recording("coffee/vending_machine_2024.csv")
    messages = list(read_messages(file, "coffee", load_mapping("coffee_sales"), shift_to=None))
    counts = [v["CapsuleCounter"] for v in _values(messages)]
    assert counts[-1] == 2692 or counts[-1] == 2693
    assert all(earlier < later for earlier, later in pairwise(counts))
    assert all(earlier.ts < later.ts for earlier, later in pairwise(messages))
