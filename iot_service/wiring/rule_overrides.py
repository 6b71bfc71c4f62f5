"""Overrides of rules, and groups of devices, by commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from iot_service import clock
from iot_service.config import Settings
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.products.documents import suggestion
from iot_service.products.overrides import Scope
from iot_service.rules.overrides import changing, groups, store
from iot_service.rules.overrides.changing import Target
from iot_service.rules.overrides.effective import device_rules
from iot_service.rules.overrides.showing import show_effective
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.installation import open_catalog
from iot_service.wiring.rule_versions import show_rule_command

_MOST = 10_000


def show_command(settings: Settings, rule: str, version: int | None, device: str | None) -> str:
    """Return a rule as YAML: as it is in force, or was in ``version``, or as it is judged for ``device``."""
    if device is None:
        return show_rule_command(settings, rule, version)
    if version is not None:
        raise InvalidInputError("a device is judged by what is in force; leave --version out", field="version")
    return show_effective_command(settings, rule, device)


def show_effective_command(settings: Settings, rule: str, device: str) -> str:
    """Return a rule (PRODUCT/RULE, or its id) as it is judged for a device, with where each value comes from."""
    with at_work(settings) as connection:
        found = device_rules(connection, device, catalog=open_catalog(settings))
    product, slash, name = rule.rpartition("/")
    if slash and product != found.product:
        raise InvalidInputError(f"device {device} is a {found.product}", field="rule")
    if name not in found.rules:
        raise NotFoundError(f"{found.product} has no rule '{name}'{suggestion(name, list(found.rules))}")
    return show_effective(found, name)


def set_override_command(
    settings: Settings, of: str, values: Sequence[str], scope: tuple[str, str], reason: str
) -> str:
    """Override what ``of`` (PRODUCT/RULE, or PRODUCT for its parameters) says, for ``scope`` (its kind and id)."""
    target = _target(of, scope)
    with at_work(settings) as connection:
        kept = changing.set_override(
            connection, target, dict(map(_value, values)), catalog=open_catalog(settings), author=ACTOR, reason=reason,
            now=clock.now(),
        )  # fmt: skip
    return f"{target}: {_shown(kept.override.values)} for {target.scope} {target.scope_id}"


def remove_override_command(settings: Settings, of: str, scope: tuple[str, str], reason: str) -> str:
    """Take back what ``scope`` overrides of ``of``."""
    target = _target(of, scope)
    with at_work(settings) as connection:
        changing.remove_override(connection, target, author=ACTOR, reason=reason, now=clock.now())
    return f"{target} holds as it is for {target.scope} {target.scope_id} again"


def list_overrides_command(settings: Settings, product: str | None) -> str:
    """Return every override, one a line."""
    with at_work(settings) as connection:
        found = [kept.override for kept in store.overrides(connection, product, limit=_MOST)]
    if not found:
        return "nothing is overridden"
    return "\n".join(
        f"{Target(each.product, each.rule, each.scope, each.scope_id)}: {_shown(each.values)} ({each.said})"
        for each in sorted(found, key=lambda each: (each.product, each.rule or "", each.scope.rank, each.scope_id))
    )


def put_group_command(settings: Settings, group_id: str, name: str | None, devices: Sequence[str]) -> str:
    """Make a group of devices, or one that is there consist of exactly these."""
    with at_work(settings) as connection:
        before = store.group(connection, group_id)
        called = name or (before.name if before is not None else group_id)
        group = groups.put_group(connection, group_id, name=called, devices=devices, actor=ACTOR, now=clock.now())
    return _group_line(group)


def list_groups_command(settings: Settings) -> str:
    """Return every group, one a line."""
    with at_work(settings) as connection:
        found = store.groups(connection, limit=_MOST)
    return "\n".join(map(_group_line, found)) or "there are no groups"


def delete_group_command(settings: Settings, group_id: str) -> str:
    """Delete a group that overrides nothing."""
    with at_work(settings) as connection:
        groups.delete_group(connection, group_id, actor=ACTOR, now=clock.now())
    return f"group {group_id} is deleted"


def _group_line(group: store.Group) -> str:
    return f"{group.id} ({group.name}): {', '.join(group.devices) or 'no devices'}"


def _target(of: str, scope: tuple[str, str]) -> Target:
    product, _, rule = of.partition("/")
    return Target(product, rule or None, Scope(scope[0]), scope[1] or product)


def _value(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInputError(f"write NAME=VALUE, such as for=20m, and not '{text}'", field="set")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        return name.strip(), value


def _shown(values: Any) -> str:
    return ", ".join(
        f"{name} {str(value).lower() if isinstance(value, bool) else value}" for name, value in sorted(values.items())
    )
