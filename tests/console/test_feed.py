from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from nicegui.client import Client

from iot_service import clock
from iot_service.console.actions import perform
from iot_service.console.feed import Feed
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError
from tests.console.app import OPERATOR
from tests.factories import NOW, insert, make_device, make_home, make_need


class FakeBrowser:
    """Stands in for a browser's connection: has an id, and can go away."""

    id = "browser"

    def __init__(self) -> None:
        self._gone: list[Callable[[], Any]] = []

    def on_delete(self, handler: Callable[[], Any]) -> None:
        self._gone.append(handler)

    def leave(self) -> None:
        for handler in self._gone:
            handler()


def log_in(connection: Connection) -> None:
    row = insert(connection, "operator", email="o@example.com", name="O", password_hash="x", created_at=NOW)
    insert(
        connection, "operator_session", token_hash=b"x", operator_id=row["id"], csrf_token=OPERATOR.csrf_token,
        created_at=NOW, expires_at=clock.now().replace(year=2100),
    )  # fmt: skip


def test_the_feed_looks_only_while_somebody_watches(database: Database) -> None:
    browser = FakeBrowser()

    async def story() -> list[int]:
        feed, told = Feed(database), []
        feed.changed.subscribe(lambda: told.append(feed.snapshot.need_counts.get("critical", 0)))
        await feed.tick()
        await feed.watch(cast(Client, browser))
        with database.transaction() as connection:
            make_home(connection)
            make_need(connection)
        await feed.tick()
        browser.leave()
        await feed.tick()
        return told

    assert asyncio.run(story()) == [1]


def test_events_are_read_once_and_kept(database: Database) -> None:
    async def story() -> list[int]:
        feed = Feed(database)
        lengths = []
        await feed.watch(cast(Client, FakeBrowser()))
        with database.transaction() as connection:
            make_home(connection)
            for number in range(3):
                insert(connection, "event", at=NOW, type="device.online", subject_id="x", actor="a", reason=str(number))
        for _ in range(2):
            await feed.tick()
            lengths.append(len(feed.snapshot.events))
        return lengths

    assert asyncio.run(story()) == [3, 3]


def test_several_browsers_share_what_was_read_a_moment_ago(database: Database) -> None:
    asked = []

    def work(connection: Connection) -> int:
        asked.append(connection)
        return len(asked)

    async def story() -> list[int]:
        feed = Feed(database)
        return [await feed.shared("curve", work, seconds=wait) for wait in (60, 60, 0)]

    assert asyncio.run(story()) == [1, 1, 2]


def test_while_the_database_is_away_the_last_snapshot_stays_and_says_so(database: Database, database_url: str) -> None:
    async def story() -> tuple[bool, bool]:
        with Database(database_url) as other:
            feed = Feed(other)
            before = await feed.watch(cast(Client, FakeBrowser()))
            other.close()
            await feed.tick()
            return before.available, feed.snapshot.available

    assert asyncio.run(story()) == (True, False)


def test_an_operator_acts_in_one_transaction(database: Database) -> None:
    with database.transaction() as connection:
        log_in(connection)
        make_home(connection)

    def half(connection: Connection) -> None:
        make_device(connection, id="half-done")
        raise ConflictError("this need is no longer open")

    feed = Feed(database)
    assert asyncio.run(perform(feed, OPERATOR, lambda connection: make_device(connection, id="done"))) is None
    assert asyncio.run(perform(feed, OPERATOR, half)) == "this need is no longer open"
    with database.transaction() as connection:
        ids = [row["id"] for row in connection.execute("SELECT id FROM device ORDER BY id")]
    assert ids == ["done", "freezer-1"]


def test_a_page_left_open_after_logging_out_does_nothing_any_more(database: Database) -> None:
    done: list[Connection] = []
    wrong = asyncio.run(perform(Feed(database), OPERATOR, done.append))
    assert (wrong, done) == ("Your session has ended: log in again.", [])
