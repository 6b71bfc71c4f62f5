"""Reading the arguments of a let: metrics, durations, numbers or names of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import timedelta

from iot_service.durations import parse_duration
from iot_service.products.documents import suggestion
from iot_service.rules.limits import time_problems

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
_PART = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[()\[\]{},]""")


def split_call(source: str) -> tuple[str, list[str]] | None:
    """Return name and arguments where ``source`` is one call and nothing else, else None."""
    match = _CALL.fullmatch(source)
    if match is None:
        return None
    arguments: list[str] = []
    depth, start = 0, 0
    text = match[2]
    for part in _PART.finditer(text):
        if part[0] in ("(", "[", "{"):
            depth += 1
        elif part[0] in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                return None  # the parentheses around all of it are those of several calls
        elif part[0] == "," and depth == 0:
            arguments.append(text[start : part.start()].strip())
            start = part.end()
    return match[1], [*arguments, text[start:].strip()]


class ArgumentReader:
    """Reads the arguments of one call in turn; what is wrong with them goes to ``problems``."""

    def __init__(self, name: str, usage: str, arguments: Sequence[str], *, least: int, most: int) -> None:
        """Note a problem, with ``usage``, where there are not ``least`` to ``most`` arguments."""
        self.problems: list[str] = []
        self._arguments = list(arguments)
        if not least <= len(arguments) <= most or not all(arguments):
            self.problems.append(f"{name} takes {usage}")
            self._arguments = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to read."""
        return not self._arguments

    def text(self) -> str:
        """Return the next argument as it is written."""
        return self._arguments.pop(0) if self._arguments else ""

    def metric(self, metrics: Collection[str]) -> str:
        """Return the next argument, the name of one of ``metrics``."""
        if self.is_empty:
            return ""
        name = self.text()
        if name not in metrics:
            self.problems.append(f"there is no metric '{name}'{suggestion(name, sorted(metrics))}")
        return name

    def duration(self, what: str = "a window") -> timedelta:
        """Return the next argument, a duration above 0."""
        if self.is_empty:
            return timedelta(0)
        try:
            length = parse_duration(self.text())
        except ValueError as error:
            self.problems.append(str(error))
            return timedelta(0)
        if not length:
            self.problems.append(f"{what} needs a length above 0")
        self.problems += [f"{what} {problem}" for problem in time_problems({what: length}).values()]
        return length

    def unit(self) -> float:
        """Return the next argument, a duration in which the answer is told, in seconds; one second where left out."""
        return 1.0 if self.is_empty else self.duration("a unit of time").total_seconds() or 1.0

    def number(self, names: Collection[str]) -> float | str:
        """Return the next argument, a number or one of ``names``."""
        if self.is_empty:
            return 0.0
        text = self.text()
        if text in names:
            return text
        try:
            return float(text)
        except ValueError:
            self.problems.append(f"there is no '{text}'{suggestion(text, sorted(names))}")
            return 0.0
