"""The names that a product's devices may send, compiled for reading fast."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from iot_service.ingest.limits import TimeLimits
from iot_service.products.catalog import Catalog
from iot_service.products.model import ProductModel

_LOWEST, _HIGHEST = -sys.float_info.max, sys.float_info.max  # finite, so that the one comparison refuses infinity too


class Field(NamedTuple):
    """What one name in a payload means.

    ``name`` is the flat name of a metric (``is_metric``) or an attribute. A number that was sent under this name times
    ``scale`` is in the metric's ``unit``; it is plausible from ``low`` to ``high`` (in that unit). ``withheld``: it is
    not to be kept, since the customer has not agreed to that.
    """

    name: str
    is_metric: bool
    scale: float = 1.0
    low: float = _LOWEST
    high: float = _HIGHEST
    unit: str = ""
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class ProductFields:
    """All names of one product, flat ones and those of the standards, and how old and new its readings may be."""

    product: str
    by_name: Mapping[str, Field]
    known: str
    """The flat names, as a list in a sentence."""
    limits: TimeLimits
    without_location: ProductFields | None = None
    """The same for devices whose customers have not agreed to the use of locations; None where it makes no odds."""


def compile_fields(catalog: Catalog, limits: TimeLimits) -> dict[str, ProductFields]:
    """Return the fields of each product of the catalogue, by product id; ``limits`` hold where it says no others."""
    return {product: _fields(model, limits.for_product(model)) for product, model in catalog.products.items()}


def _fields(model: ProductModel, limits: TimeLimits) -> ProductFields:
    by_name: dict[str, Field] = {}
    for name, text in model.attributes.items():
        for spelling in (name, *text.aliases):
            by_name[spelling] = Field(name, is_metric=False)
    for name, metric in model.metrics.items():
        low = _LOWEST if metric.minimum is None else metric.minimum
        high = _HIGHEST if metric.maximum is None else metric.maximum
        for spelling in (name, *metric.aliases):
            scale = float(metric.scale.get(spelling, 1.0))
            by_name[spelling] = Field(name, is_metric=True, scale=scale, low=low, high=high, unit=metric.unit)
    known = ", ".join([*model.metrics, *model.attributes])
    private = {name for name, metric in model.metrics.items() if metric.consent == "location"}
    fewer = {  # nothing is plausible, so that reading fast goes past it
        spelling: field._replace(withheld=True, low=_HIGHEST, high=_LOWEST) if field.name in private else field
        for spelling, field in by_name.items()
    }
    without = ProductFields(model.id, fewer, known, limits) if private else None
    return ProductFields(model.id, by_name, known, limits, without)
