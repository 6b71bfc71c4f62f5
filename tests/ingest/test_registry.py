"""The registry's cache."""

from __future__ import annotations

from iot_service.ingest.registry import Registered, Registry

FREEZER = Registered("freezer-1", "freezer", "anna")


class Table:
    """A device table that counts how often it is read."""

    def __init__(self) -> None:
        self.rows = {"freezer-1": FREEZER}
        self.asked: list[list[str]] = []

    def read(self, ids: list[str]) -> dict[str, Registered]:
        self.asked.append(sorted(ids))
        return {device_id: self.rows[device_id] for device_id in ids if device_id in self.rows}


def test_a_known_device_is_read_once_and_again_when_it_may_have_changed() -> None:
    table = Table()
    registry = Registry(table.read)
    for at in (0.0, 1.0, 29.0):
        assert registry.devices(["freezer-1", "freezer-1"], at=at) == {"freezer-1": FREEZER}
    assert table.asked == [["freezer-1"]]
    table.rows["freezer-1"] = moved = Registered("freezer-1", "freezer", "berit")
    assert registry.devices(["freezer-1"], at=31.0) == {"freezer-1": moved}


def test_a_device_that_was_removed_is_forgotten() -> None:
    table = Table()
    registry = Registry(table.read)
    registry.devices(["freezer-1"], at=0.0)
    table.rows.clear()
    assert registry.devices(["freezer-1"], at=31.0) == {}


def test_a_device_is_known_within_a_second_of_its_registration() -> None:
    table = Table()
    registry = Registry(table.read)
    assert registry.devices(["new"], at=0.0) == {}
    table.rows["new"] = FREEZER
    assert registry.devices(["new"], at=0.1) == {}
    assert registry.devices(["new"], at=0.6) == {"new": FREEZER}


def test_a_flood_from_one_unknown_device_asks_twice_a_second_at_most() -> None:
    table = Table()
    registry = Registry(table.read)
    for step in range(1000):
        registry.devices(["stranger"], at=step / 1000)
    assert len(table.asked) == 2


def test_many_unknown_devices_in_one_batch_are_one_question_and_are_not_remembered_without_end() -> None:
    table = Table()
    registry = Registry(table.read)
    for batch in range(30):
        registry.devices([f"stranger-{batch}-{number}" for number in range(1000)], at=0.0)
    assert len(table.asked) == 30
    assert len(registry._strangers) <= 21_000


def test_what_cannot_be_the_name_of_a_device_is_never_asked_for() -> None:
    table = Table()
    assert Registry(table.read).devices(["nul\x00", "", "x" * 201, "half \ud800"], at=0.0) == {}
    assert table.asked == []


def test_when_something_was_changed_everything_is_asked_for_again() -> None:
    table = Table()
    registry = Registry(table.read)
    registry.devices(["freezer-1", "stranger"], at=0.0)
    table.rows["freezer-1"] = disabled = FREEZER._replace(disabled=True)
    table.rows["stranger"] = Registered("stranger", "car", "anna")
    registry.forget()
    assert registry.devices(["freezer-1", "stranger"], at=0.1) == {
        "freezer-1": disabled,
        "stranger": table.rows["stranger"],
    }
