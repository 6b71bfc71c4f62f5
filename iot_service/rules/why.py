"""Why a rule is neither true nor false on a device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """``failed``: it cannot be computed with these values. ``missing``: something has no value, or an outdated one.

    ``undefined``: all values are there, but a named value of the rule has none (a window is empty, there are too few
    readings), or the result is not finite.
    """

    FAILED = "failed"
    MISSING = "missing"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a rule cannot be judged: ``what`` is the message, or the names or the expression that have no value."""

    why: Why
    what: str

    def __str__(self) -> str:
        """One clause for people."""
        if self.why is Why.FAILED:
            return f"cannot be computed: {self.what}"
        return f"{self.what} has no value" if self.why is Why.MISSING else f"{self.what} is not known, or not finite"
