"""What holds for one device in the end: each rule, and each parameter, with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iot_service.db import Connection
from iot_service.errors import NotFoundError
from iot_service.products.catalog import Catalog
from iot_service.products.overrides import EffectiveRule, Override, Scope, effective_rule, merged
from iot_service.rules.overrides.store import QUERIES, overrides_of_devices
from iot_service.rules.store import Claimed
from iot_service.rules.versions import store as versions
from iot_service.rules.versions.text import read_rule
from iot_service.rules.versions.version import Mode

ITS_OWN = "device"
"""The origin of a parameter that stands with the device itself."""
DEFAULT = "product model"
"""The origin of a parameter that nobody has changed."""


@dataclass(frozen=True, slots=True)
class EffectiveParameter:
    """A number that rules use, and where it comes from: an override, the device itself, or the product model."""

    value: float
    origin: Override | str


@dataclass(frozen=True, slots=True)
class DeviceRules:
    """All rules of one device by id, each with its mode and as it is judged; and its parameters by name."""

    device_id: str
    product: str
    rules: Mapping[str, tuple[Mode, EffectiveRule]]
    parameters: Mapping[str, EffectiveParameter]


def give_overrides(connection: Connection, devices: Sequence[Claimed]) -> None:
    """Let each of ``devices`` know the overrides that concern it, and have the parameters that come of them."""
    found = overrides_of_devices(connection, [device.device_id for device in devices])
    for device in devices:
        overrides = found.get(device.device_id)
        if overrides:
            device.overrides = tuple(overrides)
            below, above = _parameters(overrides)
            device.parameters = {**_values(below), **device.parameters, **_values(above)}


def device_rules(connection: Connection, device_id: str, *, catalog: Catalog) -> DeviceRules:
    """Return what holds for a device. Raises NotFoundError where there is none, or no such product any more."""
    device = QUERIES["device_to_override"].first(connection, id=device_id)
    model = catalog.products.get(device["product"]) if device is not None else None
    if device is None or model is None:
        raise NotFoundError(f"there is no device '{device_id}' of a known product")
    overrides = overrides_of_devices(connection, [device_id]).get(device_id, [])
    standings = versions.standings(connection, model.id)
    specs = {
        rule: (standing.mode, read_rule(standing.in_force.text))
        for (_, rule), standing in standings.items()
        if standing.in_force is not None
    } or {rule: (Mode.LIVE, spec) for rule, spec in catalog.rules.get(model.id, {}).items()}
    return DeviceRules(
        device_id,
        model.id,
        {
            rule: (mode, effective_rule(spec, [override for override in overrides if override.rule == rule]))
            for rule, (mode, spec) in sorted(specs.items())
        },
        _effective_parameters(model.parameters, device["parameters"], overrides),
    )


def _effective_parameters(
    defaults: Mapping[str, float], own: Mapping[str, float], overrides: Sequence[Override]
) -> dict[str, EffectiveParameter]:
    below, above = _parameters(overrides)
    found: dict[str, EffectiveParameter] = {
        name: EffectiveParameter(value, DEFAULT) for name, value in defaults.items()
    }
    found |= {name: EffectiveParameter(override.values[name], override) for name, override in below.items()}
    found |= {name: EffectiveParameter(value, ITS_OWN) for name, value in own.items()}
    return found | {name: EffectiveParameter(override.values[name], override) for name, override in above.items()}


def _parameters(overrides: Sequence[Override]) -> tuple[dict[str, Override], dict[str, Override]]:
    """Return which override each parameter comes from: those that the device's own ones go before, and those after."""
    of_none = [override for override in overrides if override.rule is None]
    below = merged(override for override in of_none if override.scope is not Scope.DEVICE)
    return below, merged(override for override in of_none if override.scope is Scope.DEVICE)


def _values(origins: Mapping[str, Override]) -> dict[str, float]:
    return {name: float(override.values[name]) for name, override in origins.items()}
