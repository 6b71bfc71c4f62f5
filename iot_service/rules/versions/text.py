"""The text of a rule as it is kept: one JSON object from which exactly this rule can be read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from enum import Enum
from typing import Any

from pydantic import ValidationError

from iot_service.durations import format_duration
from iot_service.products.rule_spec import RuleSpec


def rule_text(spec: RuleSpec, written: Mapping[str, Any] | None = None) -> str:
    """Return ``spec`` as JSON: as it was ``written``, where that says the same, else in full.

    Raises ValueError where neither gives the same rule (what is kept of a schedule is not how people write one).
    """
    candidates = [] if written is None else [_plain(written)]
    candidates.append(_plain(spec.model_dump(by_alias=True, exclude_defaults=True)))
    for candidate in candidates:
        text = json.dumps({"id": spec.id, **candidate}, ensure_ascii=False)
        if _says(text, spec):
            return text
    raise ValueError(f"rule {spec.id} cannot be written down")


def read_rule(text: str) -> RuleSpec:
    """Return the rule that ``text`` says. Raises ValueError where this release cannot read it."""
    return RuleSpec.model_validate(json.loads(text))


def digest_of(spec: RuleSpec) -> str:
    """Return the digest of what ``spec`` says, however it was written; the order of its lets counts."""
    said = _plain(spec.model_dump(by_alias=True, exclude_defaults=True))
    ordered = {name: list(value.items()) if name == "let" else value for name, value in said.items()}
    return hashlib.sha256(json.dumps(ordered, sort_keys=True).encode()).hexdigest()


def _says(text: str, spec: RuleSpec) -> bool:
    try:
        return read_rule(text) == spec
    except ValidationError:
        return False


def _plain(value: Any) -> Any:
    """Return ``value`` in the types of JSON, spans of time as people write them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(entry) for entry in value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
