from __future__ import annotations

from iot_service import clock
from iot_service.db import Database
from iot_service.rules.versions.changing import RuleName
from iot_service.rules.versions.library import RuleLibrary
from tests.rules.telemetry import SHIPPED, START
from tests.rules.versions.changes import delete, from_files, put


def test_those_who_hold_the_catalog_know_rules_of_the_api_and_those_that_are_gone(database: Database) -> None:
    clock.freeze(START)
    library = RuleLibrary(database, SHIPPED)
    catalog = library.catalog
    assert library.refresh() == 0
    assert set(catalog.rules["freezer"]) == set(SHIPPED.rules["freezer"])
    put(database)
    assert "warm" not in catalog.rules["freezer"]
    assert library.refresh() == 1
    assert catalog.rules["freezer"]["warm"].title.en == "Too warm"
    put(database, title={"nb": "Varm", "en": "Much too warm"})
    delete(database)
    library.refresh()
    assert catalog.rules["freezer"]["warm"].title.en == "Much too warm"
    assert set(catalog.rules) == set(SHIPPED.rules)


def test_a_rule_that_another_release_wrote_is_passed_over(database: Database) -> None:
    clock.freeze(START)
    from_files(database, {"id": "warm"})
    put(database, RuleName("freezer", "cold"), when="temperature < -90")
    with database.transaction() as connection:
        connection.execute('UPDATE rule_version SET text = \'{"id": "cold", "news": 1}\' WHERE rule = \'cold\'')
    library = RuleLibrary(database, SHIPPED)
    library.refresh()
    assert "warm" in library.catalog.rules["freezer"]
    assert "cold" not in library.catalog.rules["freezer"]
