"""Paths into JSON: ``AM2301.Temperature``, ``list[0].value``, ``["a.b"].c``; the empty path is the whole document."""

from __future__ import annotations

import json
import re

Path = tuple[str | int, ...]
"""Names of objects and places (from 0) in lists, from the outside in."""

_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d{1,4})\]|\[("(?:[^"\\]|\\.)*")\]')


class Missing:
    """What :func:`look_up` returns where there is nothing; ``None`` is a JSON value."""


MISSING = Missing()


def parse_path(text: str) -> Path:
    """Return the steps of a path; raises ValueError that says how a path is written."""
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None or (text[place] != "." and text[place] != "[" and place > 0) or text.startswith(".", 0):
            raise ValueError(f'{text!r} is no path; write names and places as a.b[0].c, and names with dots as ["a.b"]')
        name, index, quoted = found.groups()
        steps.append(name if name is not None else int(index) if index is not None else str(json.loads(quoted)))
        place = found.end()
    return tuple(steps)


def look_up(document: object, path: Path) -> object:
    """Return the value at ``path``, or :data:`MISSING`."""
    for step in path:
        if isinstance(step, str):
            if not isinstance(document, dict) or step not in document:
                return MISSING
            document = document[step]
        else:
            if not isinstance(document, list) or step >= len(document):
                return MISSING
            document = document[step]
    return document


def planted(path: Path, value: object, document: object = None) -> object:
    """Return ``document`` (changed in place; None is an empty one) with ``value`` at ``path``."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        names = document if isinstance(document, dict) else {}
        names[step] = planted(rest, value, names.get(step))
        return names
    places = document if isinstance(document, list) else []
    places += [None] * (step + 1 - len(places))
    places[step] = planted(rest, value, places[step])
    return places
