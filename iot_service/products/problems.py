"""What is wrong with a file, said so that its author can put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in one file.

    ``line`` counts from 1 (0 when the file as a whole is meant), ``field`` is the dotted path within the file, and
    ``message`` says what would be right.
    """

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


def show_problems(problems: Iterable[Problem]) -> str:
    """Return all ``problems``, one a line, in order of file and line."""
    return "\n".join(str(problem) for problem in sorted(problems))
