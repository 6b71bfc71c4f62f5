"""The compact notation of series."""

from __future__ import annotations

import pytest

from iot_service.rules.series import parse_series


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("-70 1.5", [-70.0, 1.5]),
        ("-70x2", [-70.0, -70.0, -70.0]),
        ("-70+1x3", [-70.0, -69.0, -68.0, -67.0]),
        ("10-0.1x2", [10.0, 9.9, 9.8]),
        ("1 _ 2 _x2", [1.0, None, 2.0, None, None]),
        ("", []),
    ],
)
def test_items_are_read_as_promtool_does(text: str, values: list[float | None]) -> None:
    assert parse_series(text) == values


@pytest.mark.parametrize("text", ["1+2", "x5", "1 two", "1x-2", "__"])
def test_what_is_no_item_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no series item"):
        parse_series(text)


@pytest.mark.parametrize("text", ["1x99999999999", "1 _x1000000", "0+1x600000 0x600000"])
def test_what_is_too_long_is_refused_before_it_takes_memory(text: str) -> None:
    with pytest.raises(ValueError, match="there are more than 1,000,000 values"):
        parse_series(text)
