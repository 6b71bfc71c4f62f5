"""Whether a rule may be put in force: by itself, and together with all others of its product."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from iot_service.errors import InvalidFieldsError
from iot_service.products.catalog import Catalog, reference_problems
from iot_service.products.documents import Document, validate
from iot_service.products.model import ProductModel
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import compile_product

FieldProblem = tuple[str, str]
"""A field (dotted path) and what is wrong with it."""


def checked_rule(
    written: Mapping[str, Any], rule: str, *, model: ProductModel, catalog: Catalog, others: Iterable[RuleSpec]
) -> RuleSpec:
    """Return the rule that ``written`` says, to be called ``rule`` and judged together with ``others``.

    Raises InvalidFieldsError with everything that is wrong with it.
    """
    document = Document("", {"id": rule, **written}, {})
    spec, problems = validate(document, RuleSpec)
    found = [(problem.field, problem.message) for problem in problems]
    if "\\u0000" in json.dumps(written):
        found.append(("", "texts have no NUL character"))
    if written.get("id", rule) != rule:
        found.append(("id", f"must be that of the address, {rule!r}"))
    if spec is None:
        raise InvalidFieldsError(found)
    found += [
        (".".join(map(str, field)), message) for field, message in reference_problems(model, catalog.services, spec)
    ]
    found += set_problems(model, [*others, spec], rule)
    if found:
        raise InvalidFieldsError(found)
    return spec


def set_problems(model: ProductModel, specs: Iterable[RuleSpec], rule: str | None = None) -> list[FieldProblem]:
    """Return why ``specs`` cannot be judged together; fields of ``rule`` are named as they stand in it."""
    _, problems = compile_product(model, specs)
    return [
        (
            ".".join(found.field if found.rule in (rule, None) else ("rules", found.rule or "", *found.field)),
            found.message,
        )
        for found in problems
    ]
