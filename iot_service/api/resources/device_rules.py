"""The rules of one device as it is judged by them, with where each value comes from."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from iot_service.api.dependencies import TheCatalog, Transaction
from iot_service.api.resources.routing import resource
from iot_service.api.resources.rule_overrides import OverrideOutput, override_output
from iot_service.products.overrides import EffectiveRule, Override
from iot_service.rules.doubts import list_doubts
from iot_service.rules.overrides.effective import EffectiveParameter, device_rules
from iot_service.rules.overrides.showing import effective_json
from iot_service.rules.versions.version import Mode

router = resource("devices")
_MOST = 10_000


class OverriddenField(BaseModel):
    """A key of the rule that an override gives its value."""

    field: str
    override: OverrideOutput


class DeviceRuleOutput(BaseModel):
    """One rule as the device is judged by it.

    ``enabled`` is false where it is switched off for this device. ``spec`` are its keys as in a rule file; those in
    ``overridden`` come from an override. ``refused`` are overridden keys that do not fit the rule any more, with the
    reason: they do not count. ``unknown`` says why it could not be judged the last time; null: it could.
    """

    rule: str
    mode: Mode
    enabled: bool
    spec: dict[str, Any]
    overridden: list[OverriddenField]
    refused: dict[str, str]
    unknown: str | None


class DeviceParameterOutput(BaseModel):
    """One parameter: from an override, or else from the ``origin``: the device itself or the product model."""

    name: str
    value: float
    origin: str
    override: OverrideOutput | None


class DeviceRulesOutput(BaseModel):
    """All that a device is judged by."""

    device_id: str
    product: str
    rules: list[DeviceRuleOutput]
    parameters: list[DeviceParameterOutput]


@router.get("/{device_id}/rules")
def get_device_rules(connection: Transaction, catalog: TheCatalog, device_id: str) -> DeviceRulesOutput:
    """Return the device's rules and parameters as they are in effect, with every override."""
    found = device_rules(connection, device_id, catalog=catalog)
    doubts = {
        each.rule.partition("/")[0]: str(each.unknown)
        for each in reversed(list_doubts(connection, device_id=device_id, limit=_MOST))
    }
    return DeviceRulesOutput(
        device_id=found.device_id,
        product=found.product,
        rules=[_rule(name, mode, effective, doubts.get(name)) for name, (mode, effective) in found.rules.items()],
        parameters=[_parameter(name, each) for name, each in found.parameters.items()],
    )


def _rule(name: str, mode: Mode, effective: EffectiveRule, unknown: str | None) -> DeviceRuleOutput:
    return DeviceRuleOutput(
        rule=name,
        mode=mode,
        enabled=effective.enabled,
        spec=effective_json(effective),
        overridden=[
            OverriddenField(field=field, override=override_output(override))
            for field, override in sorted(effective.origins.items())
        ],
        refused=dict(effective.refused),
        unknown=unknown,
    )


def _parameter(name: str, each: EffectiveParameter) -> DeviceParameterOutput:
    override = each.origin if isinstance(each.origin, Override) else None
    origin = "override" if isinstance(each.origin, Override) else each.origin
    return DeviceParameterOutput(
        name=name, value=each.value, origin=origin, override=override_output(override) if override else None
    )
