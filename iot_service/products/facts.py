"""The names of the facts that come with a product model: numbers about a device that it does not report itself."""

from __future__ import annotations

from iot_service.products.comparison import comparison_facts
from iot_service.products.model import ProductModel
from iot_service.products.service_plan import plan_facts


def named_facts(model: ProductModel) -> frozenset[str]:
    """Return the facts that rules of ``model`` may name because of its service plans and comparisons."""
    return frozenset((*plan_facts(model.plans), *comparison_facts(model.comparisons)))
