"""Files into the database: all of it, once, taken up where it stopped, and rules see of it what they shall."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Connection, Database, DatabaseUnavailableError
from iot_service.ingest.batches import Context
from iot_service.ingest.fields import compile_fields
from iot_service.ingest.importing.ndjson import NdjsonReader
from iot_service.ingest.importing.records import Chunk
from iot_service.ingest.importing.runner import Importer, ImportReport
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.micros import from_micros, to_micros, to_span
from iot_service.rules.runner import RuleRunner
from tests.history.readings import Reading, rolled_up, run_to_the_end, summed
from tests.ingest.rows import count, rows
from tests.metrics.figures import figure
from tests.rules.telemetry import SHIPPED, START, reading, series, store

LIMITS = TimeLimits(to_span(timedelta(days=365)), to_span(timedelta(minutes=5)))
CONTEXT = Context(compile_fields(SHIPPED, LIMITS), LIMITS)
MINUTE = timedelta(minutes=1)
PAST = START - timedelta(days=30)


def line(at: datetime, device: str = "freezer-1", /, **values: Any) -> str:
    return json.dumps({"device": device, "ts": to_micros(at) // 1000, "values": values}) + "\n"


def warm(begin: datetime, minutes: int = 30) -> list[str]:
    """Half an hour in which a freezer is far too warm."""
    return [line(begin + minute * MINUTE, temperature=-40.0) for minute in range(minutes)]


def bring_in(
    database: Database, lines: list[str], *, at: datetime = START, import_id: str | None = "some", **how: Any
) -> ImportReport:
    clock.freeze(at)
    data = "".join(lines).encode()
    reader = NdjsonReader(io.BytesIO(data), total=len(data), device_id=None)
    importer = Importer(database, CONTEXT, judge=how.pop("judge", False))
    return importer.run(reader, import_id=import_id, name="some.ndjson", stop=how.pop("stop", threading.Event()), **how)


def judge(database: Database, at: datetime) -> None:
    """Let a new rule runner, as after a restart, do all that can be done at ``at``."""
    clock.freeze(at)
    runner = RuleRunner(database, SHIPPED)
    while runner.run_once():
        pass


def needs(connection: Connection) -> list[tuple[str, str, datetime]]:
    found = connection.execute("SELECT rule, state, opened_at FROM need ORDER BY opened_at, rule").fetchall()
    return [(row["rule"], row["state"], row["opened_at"]) for row in found]


def place(connection: Connection) -> tuple[Any, ...]:
    row = connection.execute("SELECT * FROM rule_state").fetchone()
    assert row is not None
    return tuple(row.values())


# Into the database --------------------------------------------------------------------------------------------------


def test_readings_attributes_and_faults_are_stored_and_counted(database: Database, connection: Connection) -> None:
    told: list[int] = []
    report = bring_in(
        database,
        [
            line(PAST, temperature=-70, door=0), line(PAST + MINUTE, temperature=-70, firmware="x" * 5_000),
            "rubbish\n", line(PAST, "stranger", door=1),
        ],
        tell=lambda report: told.append(report.position),
    )  # fmt: skip
    assert (report.readings, report.faults, report.done) == (3, 3, True)
    assert told == [report.total]
    assert rows(database, "reading", "metric", "ts", "value", "received_at", "ts_assumed", "historic") == [
        ("door", PAST, 0.0, START, False, True),
        ("temperature", PAST, -70.0, START, False, True),
        ("temperature", PAST + MINUTE, -70.0, START, False, True),
    ]
    assert rows(database, "dead_letter", "topic", "reason") == [
        ("import/some.ndjson", "not_json"),
        ("import/v1/freezer-1/telemetry", "unknown_metric"),
        ("import/v1/stranger/telemetry", "unknown_device"),
    ]
    assert rows(database, "rollup_due", "metric", "bucket") == [("door", PAST), ("temperature", PAST)]
    assert count(database, "touched") == 0


def test_importing_twice_does_no_harm(database: Database, connection: Connection) -> None:
    lines = [*warm(PAST), *warm(PAST)]  # and the same twice in one file
    assert bring_in(database, lines).faults == 0
    again = bring_in(database, lines, at=START + MINUTE)
    assert (again.readings, again.finished_before) == (0, START)
    anew = bring_in(database, lines, at=START + 2 * MINUTE, restart=True)
    assert (anew.readings, anew.faults, anew.finished_before) == (60, 0, None)
    assert count(database, "reading") == 30
    assert rows(database, "import", "readings", "finished_at") == [(60, START + 2 * MINUTE)]


def test_a_value_that_contradicts_a_stored_one_is_a_conflict_and_the_first_stands(
    database: Database, connection: Connection
) -> None:
    store(connection, "freezer-1", [reading("temperature", PAST, -70)])
    report = bring_in(database, [line(PAST, temperature=-60, door=1), line(PAST, door=0)])
    assert (report.readings, report.faults) == (3, 2)
    assert rows(database, "reading", "metric", "value") == [("door", 1.0), ("temperature", -70.0)]
    assert {row[0] for row in rows(database, "dead_letter", "reason")} == {"conflict"}


def test_attributes_of_the_past_are_history_too(database: Database, connection: Connection) -> None:
    connection.execute("UPDATE device SET product = 'car'")
    name = next(name for name in SHIPPED.products["car"].attributes)
    make = [line(PAST, **{name: ["P0300"]})]
    assert bring_in(database, make).faults == 0
    assert bring_in(database, make, restart=True, import_id="other").faults == 0
    assert bring_in(database, [line(PAST, **{name: ["P0301"]})], import_id="third").faults == 1
    assert rows(database, "attribute", "name", "value", "historic") == [(name, ["P0300"], True)]
    assert bring_in(database, make, import_id="judged", judge=True).faults == 0
    assert rows(database, "attribute", "name", "historic") == [(name, False)]
    assert rows(database, "touched", "device_id", "oldest_ts") == [("freezer-1", PAST)]


class Broken(NdjsonReader):
    """A reader that gives small pieces, and fails after some."""

    def __init__(self, lines: list[str], *, after: int) -> None:
        super().__init__(io.BytesIO(), total=None, device_id=None)
        self.lines, self.after = lines, after
        self.begun_at: int | None = None

    def chunks(self, position: int) -> Iterator[Chunk]:
        self.begun_at = position
        for number in range(position, len(self.lines)):
            if number == self.after:
                raise OSError("the disk is gone")
            (chunk,) = NdjsonReader(io.BytesIO(self.lines[number].encode()), total=None, device_id=None).chunks(0)
            yield chunk._replace(position=number + 1)


def test_an_import_that_broke_off_is_taken_up_where_it_stood(database: Database, connection: Connection) -> None:
    clock.freeze(START)
    importer = Importer(database, CONTEXT)
    lines = warm(PAST, 10)
    with pytest.raises(OSError, match="disk"):
        importer.run(Broken(lines, after=4), import_id="some", name="some", stop=threading.Event())
    stored = count(database, "reading")
    assert rows(database, "import", "position", "readings", "finished_at") == [(stored, stored, None)]
    stop = threading.Event()
    again = Broken(lines, after=99)
    halted = importer.run(again, import_id="some", name="some", stop=stop, tell=lambda _report: stop.set())
    assert (again.begun_at, halted.done, halted.position) == (stored, False, stored + 1)
    last = Broken(lines, after=99)
    assert importer.run(last, import_id="some", name="some", stop=threading.Event()).done
    assert last.begun_at == stored + 1
    assert count(database, "reading") == 10
    anew = Broken(lines, after=99)
    importer.run(anew, import_id="some", name="some", stop=threading.Event(), restart=True)
    assert anew.begun_at == 0


def test_a_stream_leaves_nothing_to_take_up(database: Database, connection: Connection) -> None:
    assert bring_in(database, warm(PAST), import_id=None).done
    assert (count(database, "import"), count(database, "reading")) == (0, 30)


def test_a_lock_or_a_database_that_is_away_for_a_moment_is_waited_for(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iot_service.ingest.importing import runner, store

    once = iter([DatabaseUnavailableError("gone")])
    whole = store.store_parcel

    def falter(*arguments: Any, **named: Any) -> dict[str, int]:
        done = whole(*arguments, **named)
        for error in once:
            raise error
        return done

    monkeypatch.setattr(store, "store_parcel", falter)
    monkeypatch.setattr(runner, "_BACKOFF", (0.01,))
    report = bring_in(database, [*warm(PAST, 3), line(PAST, window=1)])
    assert (report.readings, report.faults, count(database, "dead_letter")) == (3, 1, 1)


@pytest.mark.parametrize("judge_it", [False, True])
def test_rollups_are_right_after_an_import_whenever_they_are_computed(
    database: Database, connection: Connection, judge_it: bool
) -> None:
    minutes = [*range(0, 200, 7), *range(3, 200, 7)]
    values = [Reading(PAST + minute * MINUTE, -70.0 - minute % 5, START) for minute in minutes]
    lines = [line(each.ts, temperature=each.value) for each in values]
    run_to_the_end(database)
    for number, (some, at) in enumerate(((lines[:20], START), (lines[20:], START + timedelta(hours=3)))):
        bring_in(database, some, at=at, import_id=f"part {number}", judge=judge_it)
        clock.freeze(at + timedelta(hours=2))
        run_to_the_end(database)
    for table, width in (("minute", MINUTE), ("hour", timedelta(hours=1)), ("day", timedelta(days=1))):
        assert rolled_up(connection, table) == summed(values, width)
    assert count(database, "rollup_due") == 0


# What rules see of it -----------------------------------------------------------------------------------------------


def test_a_device_never_heard_of_is_judged_from_its_first_live_reading_on(
    database: Database, connection: Connection
) -> None:
    before = place(connection)
    bring_in(database, warm(PAST))
    judge(database, START + MINUTE)
    assert (needs(connection), place(connection)) == ([], before)
    live = series(MINUTE, START, temperature="-40x5")
    store(connection, "freezer-1", live)
    judge(database, START + 5 * MINUTE)
    assert needs(connection) == []  # five minutes are too few, and the past does not count
    store(connection, "freezer-1", series(MINUTE, START + 5 * MINUTE, temperature="-40x10"))
    judge(database, START + 15 * MINUTE)
    assert needs(connection) == [("temperature_high", "open", START + 10 * MINUTE)]


def test_a_device_that_lies_behind_loses_no_live_reading_and_gains_none(
    database: Database, connection: Connection
) -> None:
    """The file holds the time after the last judged reading, and around live ones that no runner has judged yet."""
    store(connection, "freezer-1", series(MINUTE, PAST, temperature="-70x2"))
    judge(database, PAST + 2 * MINUTE)
    store(connection, "freezer-1", series(MINUTE, PAST + 10 * MINUTE, temperature="-70 -40x12"))
    bring_in(database, warm(PAST + 2 * MINUTE - timedelta(seconds=30), 60), at=PAST + 70 * MINUTE)
    judge(database, PAST + 71 * MINUTE)
    assert ("temperature_high", PAST + 21 * MINUTE) in [(rule, opened) for rule, _, opened in needs(connection)]
    opened = [rule for rule, _, _ in needs(connection)]
    assert opened.count("temperature_high") == 1


def test_a_device_in_the_middle_of_streaming_goes_on_as_if_nothing_had_come(
    database: Database, connection: Connection
) -> None:
    """An import commits between any two runs of the runner, with readings older and newer than its place."""
    clock.freeze(START)
    runner = RuleRunner(database, SHIPPED)
    for minute in range(30):
        at = START + minute * MINUTE
        store(connection, "freezer-1", series(MINUTE, at, temperature="-40" if minute >= 12 else "-70"))
        halves = [
            line(at + timedelta(seconds=second), temperature=-40.0 if minute < 12 else -70.0) for second in (-20, 20)
        ]
        bring_in(database, halves, at=at + timedelta(seconds=30), import_id=f"part {minute}")
        clock.freeze(at + timedelta(seconds=40))
        while runner.run_once():
            pass
    assert needs(connection) == [("temperature_high", "open", START + 22 * MINUTE)]
    assert connection.execute("SELECT late_readings FROM rule_state").fetchone() == {"late_readings": 0}


def test_silence_is_still_noticed_after_an_import(database: Database, connection: Connection) -> None:
    store(connection, "freezer-1", series(MINUTE, START, temperature="-70"))
    judge(database, START + MINUTE)
    bring_in(
        database, [line(START + minute * MINUTE, temperature=-70.0) for minute in range(1, 30)], at=START + 30 * MINUTE
    )
    judge(database, START + 31 * MINUTE)
    assert needs(connection) == [("silent", "open", START + 15 * MINUTE)]


def test_with_judge_needs_are_as_if_the_readings_had_streamed_whatever_their_order(
    database: Database, connection: Connection
) -> None:
    lines = [*warm(PAST, 20), *(line(PAST + minute * MINUTE, temperature=-70.0) for minute in range(20, 40))]
    half = threading.Event()
    report = bring_in(database, lines[::-1], judge=True, tell=lambda _report: half.set())
    assert (half.is_set(), report.done) == (True, True)
    judge(database, START + MINUTE)
    assert [(rule, state, at) for rule, state, at in needs(connection) if rule == "temperature_high"] == [
        ("temperature_high", "resolved", PAST + 10 * MINUTE)
    ]
    assert count(database, "import_span") == 0


def test_with_judge_nothing_is_judged_before_the_end_of_the_file(database: Database, connection: Connection) -> None:
    clock.freeze(START)
    importer = Importer(database, CONTEXT, judge=True)
    with pytest.raises(OSError, match="disk"):
        importer.run(Broken(warm(PAST)[::-1], after=20), import_id="some", name="some", stop=threading.Event())
    judge(database, START + MINUTE)
    assert (needs(connection), count(database, "touched")) == ([], 0)
    importer.run(Broken(warm(PAST)[::-1], after=99), import_id="some", name="some", stop=threading.Event())
    judge(database, START + 2 * MINUTE)
    assert ("temperature_high", "open", PAST + 10 * MINUTE) in needs(connection)


def test_history_can_be_judged_later(database: Database, connection: Connection) -> None:
    bring_in(database, warm(PAST), import_id="history")
    judge(database, START + MINUTE)
    assert needs(connection) == []
    bring_in(database, warm(PAST), import_id="judged", judge=True, at=START + 2 * MINUTE)
    judge(database, START + 3 * MINUTE)
    assert ("temperature_high", "open", PAST + 10 * MINUTE) in needs(connection)


def test_what_was_streamed_stays_so_when_it_comes_again_in_a_file(database: Database, connection: Connection) -> None:
    store(connection, "freezer-1", [reading("temperature", PAST, -40)])
    bring_in(database, warm(PAST))
    assert (False,) in rows(database, "reading", "historic")
    assert rows(database, "reading", "ts", "historic")[0] == (PAST, False)
    assert from_micros(to_micros(PAST)) == PAST


def test_readings_and_faults_are_counted_with_all_others(database: Database, connection: Connection) -> None:
    def counted() -> tuple[float, float]:
        return (
            figure("iot_ingest_readings_total"), figure("iot_ingest_dead_letters_total", reason="unknown_metric"),
        )  # fmt: skip

    before = counted()
    bring_in(database, [line(PAST, door=1, temperature=-70, window=1)])
    after = counted()
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1)
