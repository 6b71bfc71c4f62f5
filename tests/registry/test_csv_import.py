from __future__ import annotations

import pytest

from iot_service.db import Connection
from iot_service.products.catalog import Catalog
from iot_service.registry.csv_import import ImportFileError, import_devices
from iot_service.registry.registrations import registrations
from tests.factories import NOW

FLEET = """\
id,product,customer_id,site_id,name,parameter.setpoint
freezer-1,freezer,anna,anna-home,"Fryser, stor",-80
freezer-2,freezer,anna,,,
"""


def imported(connection: Connection, catalog: Catalog, text: str) -> tuple[int, dict[str, str]]:
    return import_devices(connection, text, file="fleet.csv", catalog=catalog, actor="operator:1", now=NOW)


def problems(connection: Connection, catalog: Catalog, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ImportFileError) as caught:
        imported(connection, catalog, text)
    return [(problem.line, problem.field, problem.message) for problem in caught.value.problems]


def test_a_file_registers_its_devices_with_their_secrets(connection: Connection, catalog: Catalog) -> None:
    number, secrets = imported(connection, catalog, FLEET)
    assert (number, sorted(secrets)) == (2, ["freezer-1", "freezer-2"])
    rows = registrations(connection, limit=10)
    assert [(row.id, row.name, row.site_id) for row in rows] == [
        ("freezer-1", "Fryser, stor", "anna-home"), ("freezer-2", "freezer-2", None),
    ]  # fmt: skip
    row = connection.execute("SELECT parameters FROM device WHERE id = 'freezer-1'").fetchone()
    assert row == {"parameters": {"setpoint": -80.0}}


def test_every_mistake_is_told_at_once_with_its_line(connection: Connection, catalog: Catalog) -> None:
    imported(connection, catalog, FLEET)
    text = """\
id,product,customer_id,site_id,name,parameter.setpoint
freezer-1,freezer,anna,,,
freezer 3,fridge,anna,,,cold
freezer-4,freezer,bo,,,
freezer-5,freezer,anna
freezer-6,freezer,anna,cabin,,,
freezer-7,freezer,anna,cabin,,
freezer-8,freezer,anna,,,
freezer-8,freezer,anna,,,
"""
    found = problems(connection, catalog, text)
    assert [(line, field) for line, field, _ in found] == [
        (2, "id"), (3, "id"), (3, "parameters.setpoint"), (3, "product"), (4, "customer_id"), (5, ""), (6, ""),
        (7, "site_id"), (9, "id"),
    ]  # fmt: skip
    assert len(registrations(connection, limit=10)) == 2


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "must name the column id"),
        ("id,product,customer_id\n", 0, "has no devices"),
        ("id,product,customer_id,colour\n", 1, "there is no column 'colour'"),
        ("id,product,customer_id,id\n", 1, "stands twice"),
        ('id,product,customer_id\nx,"freezer,anna\n', 2, "is no CSV"),
    ],
)
def test_a_file_that_is_none_is_told(
    connection: Connection, catalog: Catalog, text: str, line: int, message: str
) -> None:
    found = problems(connection, catalog, text)
    assert any(place == line and message in said for place, _, said in found), found


def test_of_very_many_mistakes_only_the_first_are_shown(connection: Connection, catalog: Catalog) -> None:
    rows = "".join(f"freezer-{number},fridge,anna\n" for number in range(250))
    with pytest.raises(ImportFileError, match=r"(?s)fleet\.csv:2: .*… and 150 more"):
        imported(connection, catalog, "id,product,customer_id\n" + rows)
