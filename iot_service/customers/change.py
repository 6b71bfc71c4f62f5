"""What became of something that was put into the registry."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """Whether a put made something new, changed what there was, or found it as it should be."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def change_of(row: dict[str, Any] | None, *, also: bool = False) -> Change:
    """Read what a put statement returned; ``also`` says that something beside the row changed."""
    if row is None:
        return Change.CHANGED if also else Change.UNCHANGED
    return Change.CREATED if row["created"] else Change.CHANGED
