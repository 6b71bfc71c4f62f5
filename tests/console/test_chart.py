from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from iot_service.console.chart import chart_options
from iot_service.console.curve import thin
from iot_service.console.store import Curve
from iot_service.console.words import Words, number
from iot_service.products.catalog import load_catalog
from tests.factories import NOW

WORDS = Words(load_catalog())
SINCE = NOW - timedelta(hours=1)


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(inner)


def curve(*points: tuple[float, float]) -> Curve:
    start = SINCE.timestamp()
    return Curve(SINCE, NOW, thin([(start + at, value) for at, value in points], since=start, seconds=5))


def need(**over: object) -> dict[str, object]:
    return {
        "product": "freezer", "rule": "temperature_high", "severity": "critical",
        "opened_at": SINCE + timedelta(minutes=10), "closed_at": SINCE + timedelta(minutes=20), "evidence": {},
    } | over  # fmt: skip


def test_a_gap_stays_a_gap_and_a_lone_reading_is_a_dot() -> None:
    points = curve((0, 1.5), (10, 2.5), (900, 3.5), (1800, 1.5), (1810, 2.5))
    options = chart_options(points, [], WORDS, unit="°C", longest_gap=timedelta(minutes=1))
    data = options["series"][0]["data"]
    assert [item["value"][1] for item in data] == [1.5, 2.5, None, 3.5, None, 1.5, 2.5]
    assert [item.get("symbol") for item in data] == [None, None, None, "circle", None, None, None]


def test_a_need_is_a_band_from_opening_to_closing_within_the_span() -> None:
    still = need(opened_at=SINCE - timedelta(days=1), closed_at=None)
    options = chart_options(curve((0, 1.5)), [need(), still], WORDS, unit="°C", longest_gap=None)
    bands = options["series"][0]["markArea"]["data"]
    start, minute = SINCE.timestamp() * 1000, 60_000
    assert [(begin["xAxis"] - start, end["xAxis"] - start) for begin, end in bands] == [
        (10 * minute, 20 * minute),
        (0, 60 * minute),
    ]
    assert bands[0][0]["name"] == WORDS.need("freezer", "temperature_high") != "temperature high"


def test_a_switch_is_drawn_in_steps() -> None:
    options = chart_options(curve((0, 0.0), (10, 1.0)), [], WORDS, unit="", longest_gap=None)
    assert options["series"][0]["step"] == "end"


def test_nothing_in_a_chart_is_code_or_markup() -> None:
    options = chart_options(
        curve((0, 1.5)), [need(rule="<img src=x onerror=alert(1)>")], WORDS, unit="°C", longest_gap=None
    )
    assert options["tooltip"]["renderMode"] == "richText"
    assert [key for key in keys(options) if key.startswith(":")] == []  # NiceGUI would run such a value


def test_what_the_catalog_does_not_know_is_called_by_its_id() -> None:
    assert WORDS.need("freezer", "gone_rule") == "gone rule"
    assert WORDS.unit("toaster", "heat") == ""
    assert WORDS.longest_gap("toaster", "heat") is None
    assert WORDS.headline("toaster", ["b", "a"]) == "b"
    assert WORDS.headline("freezer", ["door", "temperature"]) == "temperature"


def test_measured_values_are_short_but_never_in_powers_of_ten() -> None:
    assert [number(value) for value in (1.0, -28.8117, 1234567.0, 0.004)] == ["1", "-28.81", "1234567", "0"]
