"""A need together with what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from iot_service.engage.playbook import NOWHERE
from iot_service.model.customer import Strategy
from iot_service.model.need import Need, Severity
from iot_service.products.catalog import Catalog
from iot_service.products.model import Service


@dataclass(frozen=True, slots=True)
class StoredNeed:
    """A need as it is kept: with the strategy that was decided (None: not yet), and where its device stands.

    ``answered`` is how bad it was when that was decided; None where it is not known.
    """

    need: Need
    strategy: Strategy | None
    site_id: str | None
    created_at: datetime
    answered: Severity | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A need, and the service or consumable that its rule names."""

    stored: StoredNeed
    service: Service | None
    consumable: str | None

    @property
    def need(self) -> Need:
        """The need itself."""
        return self.stored.need

    @property
    def place(self) -> str:
        """Where its service is carried out: ``workshop``, ``site``, or ``nowhere`` where there is none."""
        return self.service.place if self.service else NOWHERE


def make_case(stored: StoredNeed, catalog: Catalog) -> Case:
    """Return the case of a need; a rule, or a service of one, that the catalog no longer has names nothing."""
    rule = catalog.rules.get(stored.need.product, {}).get(stored.need.rule)
    if rule is None:
        return Case(stored, None, None)
    return Case(stored, catalog.services.get(rule.service) if rule.service else None, rule.consumable)
