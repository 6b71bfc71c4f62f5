"""Series of readings in a compact notation, as promtool has it, for tests of rules.

Items are separated by spaces, one every interval: ``-70`` is one reading, ``_`` a gap; ``-70x5`` is that reading and
five more of it, ``-70+1x10`` is -70, -69, … -60 (the first and ten more), ``_x5`` are five gaps.
"""

from __future__ import annotations

import re

MOST = 1_000_000
"""The most values of a series: a year and ten months of minutes."""

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_ITEM = re.compile(rf"(?P<value>{_NUMBER})(?P<step>[+-]\d+(?:\.\d+)?)?(?:x(?P<more>\d+))?|_(?:x(?P<gaps>\d+))?")


def parse_series(text: str) -> list[float | None]:
    """Return one value per interval, None for a gap. Raises ValueError that names the item that is wrong.

    So is the one with which there are more than :data:`MOST`.
    """
    values: list[float | None] = []
    for item in text.split():
        match = _ITEM.fullmatch(item)
        if match is None or (match["step"] and not match["more"]):
            raise ValueError(f"'{item}' is no series item; write -70, -70x5, -70+1x10, _ or _x5")
        if len(values) + int(match["more"] or match["gaps"] or 1) > MOST:
            raise ValueError(f"with '{item}' there are more than {MOST:,} values")
        if match["value"] is None:
            values += [None] * int(match["gaps"] or 1)
            continue
        first, step = float(match["value"]), float(match["step"] or 0)
        values += [round(first + step * place, 9) for place in range(int(match["more"] or 0) + 1)]
    return values
