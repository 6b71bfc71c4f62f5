"""The rules by their names, for everybody who speaks of needs: also of rules that came through the API, or are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iot_service import logs
from iot_service.db import Database
from iot_service.products.catalog import Catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.versions import store
from iot_service.rules.versions.text import read_rule
from iot_service.rules.versions.version import Standing

Rules = Mapping[str, Mapping[str, RuleSpec]]
"""Product, then rule id, then rule."""
_log = logs.get(__name__)


class RuleLibrary:
    """Keeps the rules of a catalog as they stand in the database.

    ``catalog`` is what everybody is given: its rules are those of the files at first, and after every :meth:`refresh`
    what is recorded as well. A rule that was removed or is off is still in it, as it was last, since there are needs to
    be spoken of that it found.
    """

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._revision = 0
        self._files = catalog.rules
        self._specs: dict[int, RuleSpec] = {}
        self._rules = _Exchanged(catalog.rules)
        self.catalog = catalog.model_copy(update={"rules": self._rules})

    def refresh(self) -> int:
        """Read what has changed since; return 1 if anything had, else 0."""
        with self._database.transaction() as connection:
            revision = store.look(connection).revision
            if revision == self._revision:
                return 0
            standings = store.standings(connection)
        rules = {product: dict(of) for product, of in self._files.items()}
        for (product, rule), standing in standings.items():
            spec = self._read(standing)
            if spec is not None:
                rules.setdefault(product, {})[rule] = spec
        self._rules.now = rules
        self._revision = revision
        return 1

    def _read(self, standing: Standing) -> RuleSpec | None:
        version = standing.in_force or standing.newest
        spec = self._specs.get(version.id)
        if spec is None:
            try:
                spec = self._specs[version.id] = read_rule(version.text)
            except ValueError as error:  # written by another release
                _log.warning(
                    "a rule cannot be read", action="rules.not_read", product=version.product, rule=version.rule,
                    error=str(error),
                )  # fmt: skip
        return spec


class _Exchanged(Mapping[str, Mapping[str, RuleSpec]]):
    """Rules that are exchanged as a whole, under those who hold them; safe to read from any thread."""

    def __init__(self, rules: Rules) -> None:
        self.now = rules

    def __getitem__(self, product: str) -> Mapping[str, RuleSpec]:
        return self.now[product]

    def __iter__(self) -> Iterator[str]:
        return iter(self.now)

    def __len__(self) -> int:
        return len(self.now)
