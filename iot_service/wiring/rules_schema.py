"""`rules schema`: the JSON Schema of each kind of file that people write."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from iot_service.products.schema import file_schema, product_schema, rule_schema, service_schema, template_schema
from iot_service.rules.testfile import TestFile

KINDS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "rules": rule_schema,
    "tests": lambda: file_schema("tests", TestFile),
    "templates": template_schema,
    "product": product_schema,
    "services": service_schema,
}
"""Every kind of file, and what makes its schema."""


def schema_text(kind: str) -> str:
    """Return the JSON Schema of files of ``kind``, one of :data:`KINDS`, as it is published in docs/schema."""
    return json.dumps(KINDS[kind](), indent=2, ensure_ascii=False)
