"""What a command is sent with, checked against what the product model says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from iot_service.errors import InvalidInputError
from iot_service.products.documents import suggestion
from iot_service.products.model import Argument, CommandSpec, ProductModel

_TEXT_LENGTH = 200


def find_command(product: ProductModel, name: str) -> CommandSpec:
    """Return what ``product`` says of the command ``name``; raises InvalidInputError for ``name`` where it has none."""
    spec = product.commands.get(name)
    if spec is None:
        known = suggestion(name, list(product.commands)) or "; this product takes no commands"
        raise InvalidInputError(f"a {product.id} has no command {name[:64]!r}{known}", field="name")
    return spec


def check_arguments(spec: CommandSpec, args: Mapping[str, object]) -> dict[str, Any]:
    """Return ``args`` as they are sent; raises InvalidInputError that names the argument, as ``args.setpoint``."""
    for name in args:
        if name not in spec.args:
            known = suggestion(name, list(spec.args)) or "; this command has none"
            raise InvalidInputError(f"there is no such argument{known}", field=f"args.{name[:64]}")
    checked: dict[str, Any] = {}
    for name, argument in spec.args.items():
        if name in args:
            checked[name] = _check(argument, args[name], field=f"args.{name}")
        elif argument.required:
            raise InvalidInputError(f"is missing; {_wanted(argument)}", field=f"args.{name}")
    return checked


def _check(argument: Argument, value: object, *, field: str) -> object:
    if not _fits(argument, value):
        raise InvalidInputError(f"must be {_wanted(argument)}", field=field)
    return value


def _fits(argument: Argument, value: object) -> bool:
    if argument.type == "boolean":
        return isinstance(value, bool)
    if argument.type == "text":
        if not isinstance(value, str) or len(value) > _TEXT_LENGTH or "\x00" in value:
            return False
        return argument.choices is None or value in argument.choices
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if argument.type == "integer" and not isinstance(value, int):
        return False
    lowest = -math.inf if argument.minimum is None else argument.minimum
    highest = math.inf if argument.maximum is None else argument.maximum
    return lowest <= value <= highest


def _wanted(argument: Argument) -> str:
    if argument.type == "boolean":
        return "true or false"
    if argument.type == "text":
        return f"one of {', '.join(argument.choices)}" if argument.choices else "a text of up to 200 characters"
    unit = f" {argument.unit}" if argument.unit else ""
    article = "a whole number" if argument.type == "integer" else "a number"
    if argument.minimum is not None and argument.maximum is not None:
        return f"{article} from {argument.minimum:g} to {argument.maximum:g}{unit}"
    if argument.minimum is not None:
        return f"{article} of at least {argument.minimum:g}{unit}"
    if argument.maximum is not None:
        return f"{article} of at most {argument.maximum:g}{unit}"
    return f"{article}{' in' if unit else ''}{unit}"
