"""What was found out about expressions when they were compiled, for the next time: see products/cache.py.

Reading, checking and rewriting an expression takes ten times as long as the CEL library takes for what comes out. Its
outcome depends on the source and on what sort each name in it is, so that is what an entry is looked up by.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from iot_service.products.cache import CacheFile
from iot_service.rules.rewriting import CHANGED_PREFIX, PREVIOUS_PREFIX

_active: ExpressionCache | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One expression that is right: ``rewritten`` is what to compile.

    ``quick`` and ``unsure`` are the sources of its functions of these names; the others are those of ``Expression``.
    """

    rewritten: str
    names: tuple[str, ...]
    asks: tuple[str, ...]
    finite: bool
    quick: str | None = None
    unsure: str | None = None
    gives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """The names that an expression may use: numbers, others (text and lists), and those reported (None: all)."""

    numbers: Collection[str]
    others: Collection[str]
    reported: Collection[str] | None

    def sorts(self, names: Collection[str]) -> str:
        """Return a text that is the same wherever all of ``names`` are of the same sorts."""
        return "".join(self._sort(name.removeprefix(CHANGED_PREFIX).removeprefix(PREVIOUS_PREFIX)) for name in names)

    def _sort(self, name: str) -> str:
        sort = 1 * (name in self.numbers) + 2 * (name in self.others)
        return str(sort + 4 * (self.reported is None or name in self.reported))


class ExpressionCache:
    """Expressions by their source."""

    def __init__(self, file: CacheFile) -> None:
        """Keep entries in ``file``."""
        self._file = file
        self._new: dict[str, list[Any]] = {}
        self._latest: dict[str, list[Any]] = {}

    def find(self, source: str, names: Known) -> Kept | None:
        """Return what is known of ``source`` where its names are of the sorts they were; else None."""
        found: list[Any] | None = self._new.get(source) or self._file.get(source)
        if found is None:
            return None
        sorts, rewritten, read, asked, finite, quick, unsure, gives = found
        if sorts != names.sorts([*read, *asked]):
            return None
        return Kept(rewritten, tuple(read), tuple(asked), finite, quick, unsure, tuple(gives))

    def keep(self, source: str, names: Known, kept: Kept) -> None:
        """Keep what was found out about ``source``."""
        sorts = names.sorts([*kept.names, *kept.asks])
        entry = [
            sorts,
            kept.rewritten,
            list(kept.names),
            list(kept.asks),
            kept.finite,
            kept.quick,
            kept.unsure,
            list(kept.gives),
        ]
        self._new[source] = self._latest[kept.rewritten] = entry

    def note(self, rewritten: str, gives: str) -> None:
        """Keep that the expression that was rewritten so, and kept last, was found to give a type."""
        entry = self._latest.get(rewritten)
        if entry is not None and gives not in entry[-1]:
            entry[-1].append(gives)

    def save(self) -> None:
        """Write the file, where anything is new."""
        for source, entry in list(self._new.items()):
            self._file.put(source, entry)
        self._file.save()


def active() -> ExpressionCache | None:
    """Return the cache to compile with, None where there is none."""
    return _active


def use(cache: ExpressionCache | None) -> None:
    """Let all that is compiled in this process from now on look into ``cache``."""
    global _active  # noqa: PLW0603  # whatever compiles an expression gives the same with a cache as without
    _active = cache
