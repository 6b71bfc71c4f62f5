"""A rule as it is judged for a device, as YAML in which every value that was overridden says by whom and why. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from iot_service.products.overrides import EffectiveRule, Override
from iot_service.rules.overrides.effective import DEFAULT, DeviceRules, EffectiveParameter
from iot_service.rules.versions.text import rule_text
from iot_service.rules.versions.version import Mode

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def show_effective(found: DeviceRules, rule: str) -> str:
    """Return the rule ``rule`` of a device as YAML, with the parameters that it names; raises KeyError without it."""
    mode, effective = found.rules[rule]
    lines = [f"# {found.product}/{rule} for {found.device_id}{'' if mode is Mode.LIVE else f', {mode}'}"]
    lines += [
        f"# refused: {field}, of {_origin_of(effective, field)}{message}"
        for field, message in effective.refused.items()
    ]
    lines += _rule_lines(effective)
    used = set(_WORD.findall(rule_text(effective.spec)))
    lines += _parameter_lines({name: each for name, each in found.parameters.items() if name in used})
    return "\n".join(lines)


def effective_json(effective: EffectiveRule) -> dict[str, Any]:
    """Return the keys of a rule as it is judged, as JSON."""
    spec: dict[str, Any] = json.loads(rule_text(effective.spec))
    return spec


def _rule_lines(effective: EffectiveRule) -> Iterator[str]:
    written = effective_json(effective)
    del written["id"]
    if not effective.enabled:
        written = {"enabled": False, **written}
    for field in effective.origins:  # what an override has taken away is shown as taken away
        written.setdefault(field, False if field in ("repeat", "levels") else True if field == "enabled" else "0s")
    for key, value in written.items():
        first, *rest = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=100).rstrip().split("\n")
        origin = effective.origins.get(key)
        yield f"{first}  # {_one_line(origin)}" if origin is not None else first
        yield from rest


def _parameter_lines(parameters: Mapping[str, EffectiveParameter]) -> Iterator[str]:
    if parameters:
        yield "# with these parameters:"
    for name, each in parameters.items():
        if isinstance(each.origin, Override):
            said = _one_line(each.origin)
        else:
            said = "of the product model" if each.origin == DEFAULT else "of the device itself"
        yield f"#   {name}: {each.value:g}  # {said}"


def _origin_of(effective: EffectiveRule, field: str) -> str:
    return f"{_one_line(effective.origins[field])}: " if field in effective.origins else "an override: "


def _one_line(override: Override) -> str:
    return " ".join(override.said.split())
