"""What keeps the need of a rule from opening although its condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iot_service.rules.compiled import MAINTENANCE, CompiledProduct, CompiledRule
from iot_service.rules.lifecycle import INACTIVE, has_need
from iot_service.rules.state import DeviceState


def holder(product: CompiledProduct, state: DeviceState, rule: CompiledRule, values: Mapping[str, Any]) -> str | None:
    """Return ``maintenance``, or the id of the rule whose open need inhibits this one; None where it may open."""
    if rule.parent is not None:
        return None
    if rule.spec.in_maintenance == "mute" and values.get(MAINTENANCE, 0.0) > 0:
        return MAINTENANCE
    for other in rule.inhibited_by:
        name = product.rules[other].id
        if has_need(state.rules.get(name, INACTIVE).phase):
            return name
    return None
