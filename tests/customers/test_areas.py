"""Areas of customers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from iot_service.customers.areas import list_areas, remove_area, set_area
from iot_service.db import Database
from iot_service.errors import InvalidInputError, NotFoundError
from tests.factories import make_customer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CIRCLE = {"latitude": 61.15, "longitude": 10.7, "radius": 2000.0}


def place(database: Database, customer: str, name: str, *circles: dict[str, Any]) -> None:
    with database.transaction() as connection:
        set_area(connection, customer, name, circles, known=("site", "mountains"), actor="operator:1", now=NOW)


def test_a_customer_has_the_areas_that_were_given_to_her_last(database: Database) -> None:
    with database.transaction() as connection:
        make_customer(connection, id="kari")
    place(database, "kari", "mountains", CIRCLE)
    place(database, "kari", "mountains", CIRCLE, {**CIRCLE, "radius": 10.0})
    with database.transaction() as connection:
        assert list_areas(connection, "kari") == {"mountains": [CIRCLE, {**CIRCLE, "radius": 10.0}]}
        remove_area(connection, "kari", "mountains", actor="operator:1", now=NOW)
        assert list_areas(connection, "kari") == {}
        with pytest.raises(NotFoundError, match="has no area mountains"):
            remove_area(connection, "kari", "mountains", actor="operator:1", now=NOW)


def test_what_is_wrong_with_an_area_is_named(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="no rule asks about 'sea'; areas are mountains, site"):
        place(database, "kari", "sea", CIRCLE)
    with pytest.raises(InvalidInputError, match="less than or equal to 90"):
        place(database, "kari", "mountains", {**CIRCLE, "latitude": 91.0})
    with pytest.raises(InvalidInputError, match="one circle at least"):
        place(database, "kari", "mountains")
    with pytest.raises(NotFoundError, match="no customer nobody"):
        place(database, "nobody", "mountains", CIRCLE)
