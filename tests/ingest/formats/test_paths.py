"""Paths into JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.formats.paths import MISSING, look_up, parse_path, planted

DOCUMENT = {"a": {"b": [{"c": 1}, None]}, "x:0": 2, "d.e": {"f": 3}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", DOCUMENT),
        ("a.b[0].c", 1),
        ("a.b[1]", None),
        ("x:0", 2),
        ('["d.e"].f', 3),
        ('a["b"][0]["c"]', 1),
    ],
)
def test_a_path_leads_to_a_value(path: str, value: object) -> None:
    assert look_up(DOCUMENT, parse_path(path)) == value


@pytest.mark.parametrize("path", ["a.x", "a[0]", "a.b.c", "a.b[2]", "a.b[0].c.d", "y", "[0]"])
def test_where_nothing_is_the_value_is_missing(path: str) -> None:
    assert look_up(DOCUMENT, parse_path(path)) is MISSING


@pytest.mark.parametrize("path", [".a", "a..b", "a.", "a[b]", "a[", "a[-1]", "a[99999]", 'a["b', "[0]a", "a]"])
def test_what_is_no_path_is_an_error_that_says_how_one_is_written(path: str) -> None:
    with pytest.raises(ValueError, match=r"is no path; write names and places as a\.b\[0\]\.c"):
        parse_path(path)


def test_values_are_planted_into_one_document() -> None:
    document = planted(parse_path("a.b[1].c"), 1)
    assert planted(parse_path("t"), 5, document) == {"a": {"b": [None, {"c": 1}]}, "t": 5}


steps = st.lists(st.text('abc.[]"\\', min_size=1, max_size=3) | st.integers(0, 3), max_size=4)


@given(steps, st.integers())
def test_what_is_planted_is_found(path: list[Any], value: int) -> None:
    assert look_up(planted(tuple(path), value), tuple(path)) == value
