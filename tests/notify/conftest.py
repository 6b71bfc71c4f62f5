"""What the tests of messages share: a runner that composes, and the rows that it wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iot_service import clock
from iot_service.db import Database
from iot_service.links import Links
from iot_service.notify.compose import ComposeRunner
from iot_service.products.catalog import Catalog, load_catalog
from tests.factories import NOW

Messages = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def links() -> Links:
    return Links("k" * 32, "https://service.example.com")


@pytest.fixture
def composer(database: Database, catalog: Catalog, links: Links) -> ComposeRunner:
    clock.freeze(NOW)
    return ComposeRunner(database, catalog=catalog, links=links, mail_from="service@example.com")


@pytest.fixture
def messages(database: Database) -> Messages:
    """The messages of one template that were written, oldest first, each with its deliveries by channel."""

    def fetch(template: str) -> list[dict[str, Any]]:
        with database.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM notification WHERE template = %s ORDER BY id", [template]
            ).fetchall()
            for row in rows:
                deliveries = connection.execute("SELECT * FROM delivery WHERE notification_id = %s", [row["id"]])
                row["deliveries"] = {delivery["channel"]: delivery for delivery in deliveries}
        return rows

    return fetch
