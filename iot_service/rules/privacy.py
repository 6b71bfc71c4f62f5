"""What rules may not know of a device, because its customer has not agreed to it."""

from __future__ import annotations

from iot_service.products.model import ProductModel
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.context import DeviceContext
from iot_service.rules.state import DeviceState


def withheld(model: ProductModel, context: DeviceContext) -> frozenset[str]:
    """Return the metrics of ``model`` that rules must not look at."""
    if context.location:
        return frozenset()
    return frozenset(name for name, metric in model.metrics.items() if metric.consent == "location")


def forget(product: CompiledProduct, state: DeviceState, names: frozenset[str]) -> None:
    """Take the metrics ``names``, and whatever was remembered because of them, out of ``state``."""
    for name in names:
        state.readings.pop(name, None)
        state.previous.pop(name, None)
    for key, tracked in product.tracks.items():
        if not names.isdisjoint(tracked.inputs):
            state.tracks.pop(key, None)
