from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot_service import clock
from iot_service.errors import InvalidInputError, StopError
from simulators.mapping import RecordingMapping
from simulators.message import telemetry
from simulators.replay import ReplayReport, replay, shuffled
from tests.recordings import recording
from tests.servers.mosquitto import MosquittoServer
from tests.simulators.listener import listening

ROWS = 3_000
MAPPING = RecordingMapping.model_validate({"product": "freezer", "interval": "1s", "columns": {"a": "temperature"}})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recording.csv"
    path.write_text("a\n" + "".join(f"{row}\n" for row in range(ROWS)))
    return path


@pytest.fixture
def own_mosquitto() -> Iterator[MosquittoServer]:
    server = MosquittoServer()
    server.start()
    yield server
    server.stop()


def test_a_burst_is_acknowledged_and_heard_whole_in_order_and_ends_now(
    mosquitto_server: MosquittoServer, file: Path
) -> None:
    before = clock.now()
    with listening(mosquitto_server.url) as (listener, _):
        report = replay(file, "burst-1", MAPPING, url=mosquitto_server.url)
        assert listener.wait_for(lambda: len(listener.on("burst-1/telemetry")) == ROWS)
        payloads = [json.loads(payload) for payload in listener.on("burst-1/telemetry")]
        assert listener.wait_for(lambda: listener.on("burst-1/status") == [b"online", b"offline"])
    assert report == ReplayReport(messages=ROWS, readings=ROWS, acknowledged=ROWS)
    assert [p["values"]["temperature"] for p in payloads] == list(range(ROWS))
    assert abs(payloads[-1]["ts"] / 1000 - before.timestamp()) < 5
    assert payloads[-1]["ts"] - payloads[0]["ts"] == (ROWS - 1) * 1000


def test_a_faster_replay_keeps_its_pace(mosquitto_server: MosquittoServer, tmp_path: Path) -> None:
    file = tmp_path / "short.csv"
    file.write_text("a\n" + "1\n" * 101)
    began = time.monotonic()
    report = replay(file, "pace-1", MAPPING, url=mosquitto_server.url, speed=100)
    assert report.acknowledged == 101
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_clock_ten_times_as_fast_makes_a_replay_ten_times_as_fast(
    mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    file = tmp_path / "short.csv"
    file.write_text("a\n" + "1\n" * 101)
    clock.run(anchor=clock.now(), speed=10)
    try:
        began = time.monotonic()
        assert replay(file, "pace-2", MAPPING, url=mosquitto_server.url, speed=10).acknowledged == 101
        assert 1.0 <= time.monotonic() - began < 3.0
    finally:
        clock.run(anchor=datetime(2026, 1, 1, tzinfo=UTC), speed=1)


def test_twice_and_shuffled_gives_the_same_readings(mosquitto_server: MosquittoServer, file: Path) -> None:
    with listening(mosquitto_server.url) as (listener, _):
        report = replay(
            file, "twice-1", MAPPING, url=mosquitto_server.url, twice=True, shuffle_within=timedelta(seconds=1)
        )
        assert listener.wait_for(lambda: len(listener.on("twice-1/telemetry")) == 2 * ROWS)
        order = [json.loads(payload)["ts"] for payload in listener.on("twice-1/telemetry")]
        assert sorted(value for value in listener.readings().values()) == list(range(ROWS))
    assert report == ReplayReport(messages=2 * ROWS, readings=ROWS, acknowledged=2 * ROWS)
    assert order[:ROWS] != sorted(order[:ROWS])


def test_shuffling_leaves_nobody_further_behind_than_twice_the_span_and_loses_nothing() -> None:
    start = datetime(2026, 5, 4, 12, tzinfo=UTC)
    messages = [telemetry(start + timedelta(seconds=n * 0.4), {"a": n}) for n in range(2_000)]
    mixed = list(shuffled(messages, timedelta(seconds=1), random.Random(1)))
    assert mixed != messages
    assert sorted(mixed, key=lambda m: m.ts) == messages
    newest = mixed[0].ts
    for message in mixed:
        assert newest - message.ts < timedelta(seconds=2)
        newest = max(newest, message.ts)
    assert mixed == list(shuffled(messages, timedelta(seconds=1), random.Random(1)))


def test_a_broker_that_restarts_in_the_middle_is_waited_for_and_nothing_is_lost_or_out_of_order(
    own_mosquitto: MosquittoServer, file: Path
) -> None:
    reports: list[ReplayReport] = []
    with listening(own_mosquitto.url, client_id="patient") as (listener, _):
        replaying = threading.Thread(
            target=lambda: reports.append(replay(file, "restart-1", MAPPING, url=own_mosquitto.url, speed=1_000))
        )
        replaying.start()
        assert listener.wait_for(lambda: len(listener.on("restart-1/telemetry")) > ROWS // 5)
        own_mosquitto.halt()
        time.sleep(0.5)
        own_mosquitto.restart()
        replaying.join(timeout=30)
        assert not replaying.is_alive()
        assert listener.wait_for(lambda: len(listener.readings()) == ROWS)
        assert list(listener.readings().values()) == list(range(ROWS)), "first heard in the order of the recording"
    (report,) = reports
    assert (report.messages, report.acknowledged, report.refused) == (ROWS, ROWS, 0)


def test_stopping_ends_a_replay_early_and_the_report_says_how_far_it_came(
    mosquitto_server: MosquittoServer, file: Path
) -> None:
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    report = replay(file, "stop-1", MAPPING, url=mosquitto_server.url, speed=100, stop=stop)
    assert 0 < report.messages < ROWS
    assert report.messages - 5 <= report.acknowledged <= report.messages


def test_a_message_that_the_broker_chokes_on_ends_the_replay_with_a_reason(
    mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    file = tmp_path / "huge.csv"
    file.write_text("a\n" + f"{'x' * 100_000}\n" * 3)
    content = {"product": "freezer", "interval": "1s", "attributes": {"a": "note"}, "batch": 3}
    mapping = RecordingMapping.model_validate(content)
    with pytest.raises(StopError, match="is a message too large for it"):
        replay(file, "huge-1", mapping, url=mosquitto_server.url)


def test_a_mapping_may_be_named_and_what_is_wrong_is_told_before_anything_is_sent(file: Path) -> None:
    with pytest.raises(InvalidInputError, match="no column CONTROL_MODULE_VOLTAGE"):
        replay(file, "car-1", "car_obd", url="mqtt://127.0.0.1:1")
    with pytest.raises(StopError, match="no address of a broker"):
        replay(file, "car-1", MAPPING, url="nowhere")
    with pytest.raises(ValueError, match="above 0"):
        replay(file, "car-1", MAPPING, url="mqtt://127.0.0.1:1", speed=0)


def test_a_device_may_only_speak_with_its_own_password_and_for_itself(file: Path) -> None:
    server = MosquittoServer(passwords={"freezer-1": "right", "iot-service": "other"})
    server.start()
    try:
        with pytest.raises(StopError, match="refuses freezer-1: Not authorized"):
            replay(file, "freezer-1", MAPPING, url=server.url, password="wrong")
        report = replay(file, "freezer-1", MAPPING, url=server.url, password="right")
        assert report == ReplayReport(messages=ROWS, readings=ROWS, acknowledged=ROWS, unheard=ROWS)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "mapping", "messages", "readings"),
    [
        ("car/long10.csv", "car_obd", 5_035, 4 * 5_035),
        ("freezer/asset_135_1570_sample.csv", "cold_room", 148, 3 * 148),
        ("coffee/vending_machine_2024.csv", "coffee_sales", None, None),
    ],
)
def test_real_recordings_are_replayed_whole(
    mosquitto_server: MosquittoServer, name: str, mapping: str, messages: int | None, readings: int | None
) -> None:
    with listening(mosquitto_server.url) as (listener, _):
        report = replay(recording(name), "real-1", mapping, url=mosquitto_server.url)
        assert report.acknowledged == report.messages == (messages or report.messages)
        assert report.readings == (readings or report.readings)
        assert report.readings > 0
        assert listener.wait_for(lambda: len(listener.on("real-1/telemetry")) == report.messages)
        assert len(listener.readings()) == report.readings
