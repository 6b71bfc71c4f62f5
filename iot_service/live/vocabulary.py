"""The words of the product models that the live view needs: which metric stands for a device, units, rule titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iot_service.model.customer import Locale
from iot_service.products.catalog import Catalog
from iot_service.products.texts import fill

_TELLING: Mapping[str, tuple[str, ...]] = {
    "car": ("battery_voltage", "distance_to_service", "speed"),
    "freezer": ("temperature",),
    "coffee_machine": ("CapsuleCounter", "BeverageCounterCoffee"),
}
"""The metrics that say most about a device of a shipped product model, best first."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by id: ``headlines`` are product's metrics, best first; ``units`` and ``titles`` go by (product, name)."""

    headlines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[tuple[str, str], str] = field(default_factory=dict)
    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def unit(self, product: str, metric: str) -> str:
        """Return the unit of a metric, or an empty text for one that is only counted or not known."""
        return self.units.get((product, metric), "")

    def title(self, product: str, rule: str, evidence: Mapping[str, Any] | None = None) -> str:
        """Return the English title of a need, with the values of its ``evidence``, None where there is none.

        That of an unknown rule (since removed) is its id.
        """
        written = self.titles.get((product, rule))
        if written is None:
            return rule.replace("_", " ")
        units = {metric: unit for (name, metric), unit in self.units.items() if name == product}
        return fill(written, Locale.EN, evidence or {}, units)


def vocabulary(catalog: Catalog) -> Vocabulary:
    """Take the words out of ``catalog``; a product model of one's own is shown by its first metric."""
    return Vocabulary(
        headlines={
            name: tuple(metric for metric in _TELLING.get(name, ()) if metric in product.metrics)
            or tuple(product.metrics)[:1]
            for name, product in catalog.products.items()
        },
        units={
            (name, metric): "" if spec.unit == "1" else spec.unit
            for name, product in catalog.products.items()
            for metric, spec in product.metrics.items()
        },
        titles={(name, rule): spec.title.en for name, rules in catalog.rules.items() for rule, spec in rules.items()},
    )
