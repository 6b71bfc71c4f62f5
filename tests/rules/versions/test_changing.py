from __future__ import annotations

import threading

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.errors import ConflictError, InvalidFieldsError, NotFoundError
from iot_service.rules.versions import store
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.version import Mode
from tests.rules.telemetry import START
from tests.rules.versions.changes import delete, from_files, put, switch

COLD = RuleName("freezer", "cold")


@pytest.fixture
def ready(database: Database) -> Database:
    clock.freeze(START)
    return database


def test_a_rule_that_others_need_cannot_be_deleted(ready: Database) -> None:
    put(ready)
    put(ready, COLD, when="temperature < -90", inhibits=["warm"])
    with pytest.raises(ConflictError, match="warm"):
        delete(ready)
    delete(ready, COLD)
    assert delete(ready).in_force is None


def test_a_rule_is_checked_together_with_the_others(ready: Database) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        put(ready, COLD, when="temperature < -90", inhibits=["warm"])
    assert any(field.startswith("inhibits") for field, _ in refused.value.problems)


def test_what_is_not_there_can_be_neither_switched_nor_deleted(ready: Database) -> None:
    with pytest.raises(NotFoundError):
        switch(ready, Mode.OFF)
    put(ready)
    delete(ready)
    with pytest.raises(NotFoundError):
        delete(ready)
    with pytest.raises(ConflictError, match="removed"):
        switch(ready, Mode.LIVE)


def test_the_mode_it_has_makes_no_version(ready: Database) -> None:
    from_files(ready, {"id": "warm"})
    assert switch(ready, Mode.LIVE).newest.version == 1
    assert switch(ready, Mode.OFF).newest.version == 2
    assert switch(ready, Mode.OFF).newest.version == 2


def test_versions_of_changes_at_the_same_time_have_ids_in_the_order_of_their_commits(ready: Database) -> None:
    """Or a runner that has seen a later one would never notice the earlier one."""
    seen: list[int] = []
    waited = threading.Event()

    def change() -> None:
        put(ready, COLD, when="temperature < -90")
        waited.set()

    with ready.transaction() as connection:
        store.lock(connection)
        other = threading.Thread(target=change)
        other.start()
        assert not waited.wait(0.3), "it waits for the one that came first"
        seen.append(store.look(connection).revision)
    other.join()
    with ready.transaction() as connection:
        seen.append(store.look(connection).revision)
    assert seen == [0, 1]
