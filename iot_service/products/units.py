"""Units of measurement: what a name means, and how a value in one unit becomes a value in another."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pint

DIMENSIONLESS = "1"
_LENGTH = 40  # characters of a unit's name
# Devices write these; it must never become a formula to work out, such as 9**9**9.
_WORD = r"(?:°?[A-Za-zμΩÅ_]+|[°%‰])"
_FACTOR = rf"(?:{_WORD}(?:(?:\*\*|\^)-?[1-9]|-?[1-9]|[²³])?|1)"
_UNIT = re.compile(rf"{_FACTOR}(?:[*/·]{_FACTOR})*")
_EXPONENT = re.compile(r"(?<=[^\W\d_])(-?[1-9])")
_SPELLINGS = str.maketrans({"℃": "°C", "℉": "°F", "Ω": "Ω", "µ": "μ", "·": "*"})
_SAME_AS = {"degC": "°C", "celsius": "°C", "℃": "°C", "degF": "°F", "℉": "°F", "count": "1", "percent": "%"}
"""Other spellings of what devices measure most, so that a fleet that converts nothing never loads the library."""
_OWN = (
    "rpm = 1 / minute = revolutions_per_minute",  # pint counts radians: 1/s would be 9.5 rpm instead of 60
    "pH_value = [acidity] = pH",  # else a picohenry
    "turbidity_unit = [turbidity] = NTU",
    "sound_level = [sound_level] = Bspl",
    "reactive_volt_ampere = volt * ampere = var = VAr",
    "ppb = 1e-9",
)
_COMMON = frozenset({
    "1", "%", "°C", "°F", "K", "V", "mV", "A", "mA", "W", "kW", "Wh", "kWh", "s", "ms", "min", "h", "d", "day", "days",
    "m", "mm", "cm", "km", "mi", "km/h", "m/s", "mph", "Pa", "hPa", "kPa", "bar", "psi", "rpm", "Hz", "l", "L", "m³",
    "kg", "g", "lx", "dB", "count",
})  # fmt: skip
"""Known without asking pint, which takes a third of a second and 20 MB to load; a test compares."""


class Conversion(NamedTuple):
    """A value times ``scale`` plus ``offset`` is the value in the other unit."""

    scale: float
    offset: float


SAME = Conversion(1.0, 0.0)


def is_unit(name: str) -> bool:
    """Return whether ``name`` means a unit, such as ``°C``, ``km/h``, ``%``, or ``1`` for a plain number."""
    return name in _COMMON or _parse(name) is not None


@lru_cache(maxsize=4_096)
def conversion(sent: str, wanted: str) -> Conversion | None:
    """Return how a value in the unit ``sent`` becomes one in ``wanted``.

    None where one of them is no unit, or they measure different things. Worked out once for each pair; the cache is
    bounded, because devices name units.
    """
    if _SAME_AS.get(sent, sent) == _SAME_AS.get(wanted, wanted):
        return SAME
    first, second = _parse(sent), _parse(wanted)
    if first is None or second is None or not first.is_compatible_with(second):
        return None
    if first == second:
        return SAME
    points = [_converted(value, first, second) for value in (0, 1, 2)]
    zero, one, two = (None if point is None else Fraction(point) for point in points)
    # A logarithmic unit and a plain one measure the same, but no straight line leads from one to the other.
    if zero is None or one is None or two is None or two - one != one - zero:
        return None
    return Conversion(float(one - zero), float(zero))


def _converted(value: int, sent: pint.Unit, wanted: pint.Unit) -> Fraction | float | None:
    import pint  # noqa: PLC0415  # loaded already, by _parse

    try:
        magnitude: Fraction | float = _registry().Quantity(Fraction(value), sent).to(wanted).magnitude
    except (pint.PintError, ArithmeticError, ValueError, TypeError):
        return None
    return magnitude


@lru_cache(maxsize=4_096)
def _parse(name: str) -> pint.Unit | None:
    if len(name) > _LENGTH:
        return None
    text = name.translate(_SPELLINGS)
    if not _UNIT.fullmatch(text):
        return None
    import pint  # noqa: PLC0415  # see _COMMON: most processes never need it

    try:
        return _registry().parse_units(_EXPONENT.sub(r"**\1", text))
    except (pint.PintError, ArithmeticError, ValueError, TypeError, AttributeError):
        return None


@cache
def _registry() -> pint.UnitRegistry[Fraction]:
    import pint  # noqa: PLC0415

    # It logs that rpm is defined anew, which is meant.
    logging.getLogger("pint.util").setLevel(logging.ERROR)
    # With fractions, 212 °F is exactly 100 °C.
    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(
        non_int_type=Fraction, autoconvert_offset_to_baseunit=True
    )
    for definition in _OWN:
        registry.define(definition)
    return registry
