"""How the tests are spread over processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spread import LONGEST, place_of, unit_of


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/rules/test_runner.py::test_a[embedded]", "tests/rules/test_runner.py::test_b[embedded-5]", True),
        ("tests/rules/test_runner.py::test_a[embedded]", "tests/rules/test_runner.py::test_a[timescale]", False),
        ("tests/rules/test_fold.py::test_a", "tests/rules/test_syntax.py::test_a", False),
        ("tests/stories/test_car.py::test_a[embedded]", "tests/stories/test_recordings.py::test_b[embedded]", True),
        ("tests/stories/test_car.py::test_a[embedded]", "tests/stories/test_killed.py::test_b[embedded]", False),
    ],
)
def test_what_shares_a_server_stays_together(one: str, other: str, together: bool) -> None:
    assert (unit_of(one) == unit_of(other)) is together


def test_the_longest_begin_first_and_the_rest_goes_engine_by_engine() -> None:
    nodes = [
        "tests/rules/test_runner.py::test_a[timescale]",
        "tests/rules/test_runner.py::test_a[embedded]",
        "tests/rules/test_fold.py::test_a",
        "tests/test_wheel.py::test_a",
        "tests/stories/test_killed.py::test_a[timescale]",
        "tests/stories/test_car.py::test_a[timescale]",
        "tests/stories/test_car.py::test_a[embedded]",
    ]
    assert sorted(nodes, key=place_of) == [nodes[5], nodes[6], nodes[3], nodes[4], nodes[1], nodes[2], nodes[0]]


def test_all_that_is_called_longest_exists() -> None:
    root = Path(__file__).parent.parent
    files = [str(file.relative_to(root)) for file in root.glob("tests/**/test_*.py")]
    assert all(any(place_of(f"{file}::test")[0] == place for file in files) for place in range(len(LONGEST)))
