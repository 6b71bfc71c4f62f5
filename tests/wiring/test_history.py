"""What `migrate`, `doctor` and `rollups rebuild` say and do about readings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iot_service import clock
from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.wiring.doctor import examine
from iot_service.wiring.history import migrate_command, rebuild_command
from tests.factories import NOW
from tests.history.readings import Reading, rolled_up, run_to_the_end, store

HOUR = timedelta(hours=1)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return load_settings(database_url=database_url, data_dir=tmp_path, readings_per_day=2_000_000)


def test_migrating_fits_chunks_and_says_what_is_missed(settings: Settings, engine: str) -> None:
    first, *others = migrate_command(settings).splitlines()
    assert first == "the schema is up to date"
    if engine == "timescale":
        assert others[0] == "new chunks of readings span 6:00:00"
        assert others[1].startswith("apache licence: readings are not compressed")
    else:
        assert others == ["plain PostgreSQL: old readings are deleted row by row; TimescaleDB would drop whole chunks"]


def test_doctor_says_how_readings_are_kept_and_whether_rollups_are_up_to_date(
    settings: Settings, database: Database, engine: str
) -> None:
    with database.transaction() as connection:
        store(connection, [Reading(NOW, 1.0, NOW)])
    clock.freeze(NOW + HOUR)
    run_to_the_end(database)
    found = {finding.what: finding for finding in examine(settings)}
    missed = "community licence" if engine == "timescale" else "plain PostgreSQL"
    assert found["readings"].ok
    assert missed in found["readings"].detail
    assert found["rollups"].ok
    clock.freeze(NOW + 9 * HOUR)
    found = {finding.what: finding for finding in examine(settings)}
    assert (found["rollups"].ok, found["rollups"].detail.split(": ")[1]) == (False, "start `iot-service worker`")


def test_a_rebuild_tells_how_far_it_is(settings: Settings, database: Database) -> None:
    with database.transaction() as connection:
        store(connection, [Reading(NOW, 1.0, NOW)])
    told: list[str] = []
    assert rebuild_command(settings, NOW, NOW + HOUR, [], told.append) == "the rollups are computed anew"
    assert told[-1] == "done up to 2026-11-21 13:00 UTC"
    with database.transaction() as connection:
        assert len(rolled_up(connection, "hour")) == 1
