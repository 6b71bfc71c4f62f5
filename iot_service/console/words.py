"""The words of the product models, for people: titles, names and units, in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from iot_service.model.customer import Locale
from iot_service.products.catalog import Catalog
from iot_service.products.texts import say

SEVERITIES = ("critical", "high", "normal", "low")
"""From grave to slight, as everything is sorted."""

STATES: Mapping[str, str] = {
    "in_service": "in service",
    "commissioning": "commissioning",
    "out_of_service": "out of service",
    "retired": "retired",
}
"""Service states in words."""


class Words:
    """Looks words up; what the catalog does not know (since removed) is called by its id."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def products(self) -> dict[str, str]:
        """Return the name of each product model by id."""
        return {id_: product.name.en for id_, product in self._catalog.products.items()}

    def product(self, product: str) -> str:
        """Return the name of a product model."""
        return self.products().get(product, product)

    def need(self, product: str | None, rule: str | None, evidence: Mapping[str, Any] | None = None) -> str:
        """Return the title of what a rule detects; ``evidence`` are the values that it saw, None for none."""
        spec = self._catalog.rules.get(product or "", {}).get(rule or "")
        if spec is None:
            return (rule or "need").replace("_", " ")
        return say(spec.title, Locale.EN, evidence or {}, self._catalog.products.get(product or ""))

    def unit(self, product: str, metric: str) -> str:
        """Return a metric's unit, or an empty text for one that is only counted, switched or not known."""
        model = self._catalog.products.get(product)
        unit = model.metrics[metric].unit if model and metric in model.metrics else ""
        return "" if unit == "1" else unit

    def longest_gap(self, product: str, metric: str) -> timedelta | None:
        """Return how old a reading may become before it is outdated, or None where the product model does not say."""
        model = self._catalog.products.get(product)
        return model.metrics[metric].max_age if model and metric in model.metrics else None

    def headline(self, product: str, metrics: list[str]) -> str:
        """Return which of ``metrics`` (at least one) to show first: the one that the product model names first."""
        model = self._catalog.products.get(product)
        return next((metric for metric in model.metrics if metric in metrics), metrics[0]) if model else metrics[0]


def number(value: float) -> str:
    """Return a measured value with at most two decimals, in full however large it is."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def count(number: int) -> str:
    """Return a number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")
