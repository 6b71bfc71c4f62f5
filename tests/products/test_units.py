"""Units of measurement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.products import units
from iot_service.products.units import conversion, is_unit


@pytest.mark.parametrize(
    ("value", "sent", "wanted", "expected"),
    [
        (212.0, "degF", "°C", 100.0),
        (212.0, "°F", "°C", 100.0),
        (-94.0, "℉", "degC", -70.0),
        (203.15, "K", "°C", -70.0),
        (-70.0, "℃", "°C", -70.0),
        (3005.0, "mV", "V", 3.005),
        (100.0, "mi", "km", 160.9344),
        (10.0, "mph", "km/h", 16.09344),
        (2.3, "bar", "kPa", 230.0),
        (33.36, "psi", "kPa", 230.0091),
        (50.0, "%", "1", 0.5),
        (0.5, "1", "%", 50.0),
        (12.0, "count", "1", 12.0),
        (50.0, "Hz", "rpm", 3000.0),
        (3000.0, "1/min", "rpm", 3000.0),
        (86_400.0, "s", "days", 1.0),
        (3_600_000.0, "W*s", "kWh", 1.0),
        (1.0, "m3", "l", 1000.0),
        (9.81, "m/s2", "m/s²", 9.81),
        (35.0, "µg/m³", "mg/m3", 0.035),
        (1.0, "degC/min", "K/h", 60.0),
        (7.1, "pH", "pH", 7.1),
        (-60.0, "dBm", "dBm", -60.0),
        (1.0, "kvar", "W", 1000.0),
        (1500.0, "ppb", "ppm", 1.5),
    ],
)
def test_a_value_is_converted(value: float, sent: str, wanted: str, expected: float) -> None:
    found = conversion(sent, wanted)
    assert found is not None
    assert value * found.scale + found.offset == pytest.approx(expected, rel=1e-6)


def test_the_boiling_point_is_exactly_a_hundred_degrees() -> None:
    found = conversion("degF", "°C")
    assert found is not None
    assert 212 * found.scale + found.offset == 100.0


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ("V", "°C"),
        ("C", "°C"),  # coulomb
        ("foo", "V"),
        ("V", "foo"),
        ("pH", "H"),
        ("dBm", "W"),  # no straight line
        ("NTU", "1"),
        ("", "1"),
    ],
)
def test_what_measures_something_else_is_not_converted(sent: str, wanted: str) -> None:
    assert conversion(sent, wanted) is None


@pytest.mark.parametrize(
    "name", ["9**9**9", "1e400", "m**99", "m" * 41, "(m)", "m+m", "__class__", "2 m", " m", "%RH", "m\n"]
)
def test_a_formula_is_no_unit(name: str) -> None:
    assert not is_unit(name)


def test_spellings_that_are_taken_for_the_same_are_the_same_for_the_library_too() -> None:
    assert [name for name, same in units._SAME_AS.items() if units._parse(name) != units._parse(same)] == ["count"]
    assert conversion("count", "%") == conversion("1", "%")


def test_the_common_units_are_what_the_library_knows_too() -> None:
    assert [name for name in units._COMMON if units._parse(name) is None] == []


@given(st.text(max_size=12) | st.from_regex(units._UNIT, fullmatch=True))
def test_whatever_is_named_as_a_unit_there_is_an_answer(name: str) -> None:
    found = conversion(name, "kPa")
    assert found is None or is_unit(name)


@given(st.sampled_from(["°C", "°F", "K"]), st.sampled_from(["°C", "°F", "K"]), st.floats(-200, 200))
def test_there_and_back_is_the_same(first: str, second: str, value: float) -> None:
    there, back = conversion(first, second), conversion(second, first)
    assert there is not None
    assert back is not None
    assert (value * there.scale + there.offset) * back.scale + back.offset == pytest.approx(value, abs=1e-9)
