"""Lists, page by page: a cursor says where the next page begins, and stays right while rows come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from iot_service.errors import InvalidInputError

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next_cursor`` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


class Paging:
    """Where a page begins, and how many items it may have (1 to 200)."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=200, description="The most items on this page")] = 50,
        cursor: Annotated[
            str | None, Query(max_length=200, description="next_cursor of the page before; leave out for the first")
        ] = None,
    ) -> None:
        self.limit = limit
        self.after = _decode(cursor) if cursor is not None else None

    @property
    def fetch(self) -> int:
        """How many rows to ask for: one more than are shown, to know whether there is a next page."""
        return self.limit + 1

    @property
    def before(self) -> int | None:
        """The cursor as a number, for lists that begin with the newest. Raises InvalidInputError where it is none."""
        if self.after is None:
            return None
        if not self.after.isdecimal() or len(self.after) > 18:
            raise InvalidInputError("is not a cursor of this list; take next_cursor of a page", field="cursor")
        return int(self.after)

    def page(self, rows: Sequence[Item], key: Callable[[Item], object]) -> Page[Item]:
        """Make a page of up to ``fetch`` rows; ``key`` gives the id that the next page begins after."""
        shown = list(rows[: self.limit])
        more = len(rows) > self.limit
        return Page(items=shown, next_cursor=_encode(str(key(shown[-1]))) if more else None)


AtPage = Annotated[Paging, Depends()]
"""The query parameters ``limit`` and ``cursor``."""


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidInputError("is not a cursor; take next_cursor of a page", field="cursor") from None
