"""How devices compare with their peers."""

from __future__ import annotations

import random

import pytest

from iot_service.history.peers import Cell, compare


def fleet(devices: int, hours: int = 50) -> list[Cell]:
    """Freezers that run 40 to 60 % of the time, more so where it is warm, each with a share of its own."""
    chance = random.Random(7)
    cells = []
    for number in range(devices):
        own = chance.uniform(0.95, 1.05)
        for ambient in (10, 11, 12):
            cells.append(Cell(f"freezer-{number}", (ambient, -14), own * (0.4 + 0.05 * (ambient - 10)), hours))
    return cells


def test_a_device_that_runs_a_third_more_is_told_from_its_peers() -> None:
    cells = [*fleet(9), Cell("dirty", (11, -14), 0.6, 60), Cell("dirty", (12, -14), 0.67, 60)]
    found = compare(cells, peers=5, hours=24)
    assert found["dirty"].ratio == pytest.approx(1.35, abs=0.04)
    assert (found["dirty"].peers, found["dirty"].hours) == (9, 120)
    assert found["dirty"].own == pytest.approx(0.635)
    others = [each.ratio for name, each in found.items() if name != "dirty"]
    assert all(0.92 < ratio < 1.08 for ratio in others)


def test_peers_that_are_broken_do_not_move_it() -> None:
    broken = [Cell(f"broken-{number}", (11, -14), 1.0 if number % 2 else 0.0, 100) for number in range(4)]
    found = compare([*fleet(9), *broken, Cell("like-the-others", (11, -14), 0.45, 100)], peers=5, hours=24)
    assert found["like-the-others"].ratio == pytest.approx(1.0, abs=0.06)


def test_only_hours_under_the_same_conditions_count() -> None:
    cells = [*fleet(9), Cell("in-the-cellar", (5, -14), 0.9, 100), Cell("set-to-80", (11, -16), 0.9, 100)]
    found = compare(cells, peers=5, hours=24)
    assert "in-the-cellar" not in found
    assert "set-to-80" not in found


def test_too_few_peers_or_hours_say_nothing() -> None:
    assert compare(fleet(5), peers=5, hours=24) == {}
    assert compare(fleet(6, hours=7), peers=5, hours=24) == {}
    assert len(compare(fleet(6, hours=8), peers=5, hours=24)) == 6
    assert compare(fleet(6, hours=2), peers=5, hours=1) == {}, "two hours are no mean"


def test_what_the_peers_do_not_do_at_all_is_no_measure() -> None:
    cells = [Cell(f"freezer-{number}", (), 0.0, 30) for number in range(8)]
    assert compare([*cells, Cell("runs", (), 0.5, 30)], peers=5, hours=24) == {}


def test_a_device_is_not_its_own_peer() -> None:
    cells = [Cell("one", (), 1.0, 30), Cell("two", (), 2.0, 30), Cell("three", (), 4.0, 30)]
    found = compare(cells, peers=2, hours=24)
    assert {name: each.usual for name, each in found.items()} == {"one": 3.0, "two": 2.5, "three": 1.5}
