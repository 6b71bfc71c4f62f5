"""JSON Schema (2020-12) of the files that people write, for editors that complete and check them while they write."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from iot_service.durations import format_duration
from iot_service.products.model import ProductModel, ServiceFile
from iot_service.products.rule_spec import RuleFile, RuleSpec
from iot_service.products.templates import TemplateFile, TemplateUse

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOT_OVER = ("id",)  # keys that stand before the colon, and not in what follows it


def file_schema(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a file that ``model`` describes; ``kind`` names it within the ``$id``."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator, mode="validation")
    _tidy(schema)
    return {"$schema": _DIALECT, "$id": f"urn:iot-service:schema:{kind}", **schema}


def product_schema() -> dict[str, Any]:
    """Return the schema of ``<product>.yaml``."""
    return file_schema("product", ProductModel)


def service_schema() -> dict[str, Any]:
    """Return the schema of ``services.yaml``, where the id of a service is the key that it stands under."""
    schema = file_schema("services", ServiceFile)
    _without_id(schema["$defs"]["Service"])
    return schema


def rule_schema() -> dict[str, Any]:
    """Return the schema of ``<product>.rules.yaml`` as it is written: with templates, and rules that use them."""
    schema = file_schema("rules", RuleFile)
    rule = _without_id(schema["$defs"]["RuleSpec"])
    templates = template_schema()
    use = file_schema("use", TemplateUse)["properties"]
    schema["$defs"] |= templates["$defs"]
    schema["properties"]["templates"] = templates["properties"]["templates"]
    rule["properties"] |= use
    rule["dependentRequired"] = {"with": ["use"]}
    # A rule that uses a template has the rest from there.
    rule |= {"if": {"required": ["use"]}, "then": True, "else": {"required": rule.pop("required")}}
    return schema


def template_schema() -> dict[str, Any]:
    """Return the schema of ``templates.yaml``: any key of a rule, with any value, since it may be a parameter."""
    schema = file_schema("templates", TemplateFile)
    keys = file_schema("rules", RuleSpec)["properties"]
    rule = schema["$defs"]["Template"]["properties"]["rule"]
    rule["properties"] = {
        name: {"description": of["description"]} for name, of in keys.items() if name not in _NOT_OVER
    }
    rule["additionalProperties"] = False
    return schema


class _Generator(GenerateJsonSchema):
    """What pydantic says, in the terms in which people write these files."""

    def encode_default(self, dft: Any) -> Any:
        """Return a default as a file would say it."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Return the schema of a mapping, with the pattern of its keys as a rule and not as a choice."""
        found = super().dict_schema(schema)
        patterns = found.pop("patternProperties", None)
        if patterns:
            ((pattern, value),) = patterns.items()
            found |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
        return found


def _without_id(schema: dict[str, Any]) -> dict[str, Any]:
    for name in _NOT_OVER:
        del schema["properties"][name]
        schema["required"].remove(name)
    return schema


def _tidy(schema: Any) -> None:
    """Take out what helps nobody who writes, and turn docstrings into the Markdown that editors show."""
    if isinstance(schema, list):
        for inner in schema:
            _tidy(inner)
    elif isinstance(schema, dict):
        for name, inner in schema.items():
            if name == "description" and isinstance(inner, str):
                schema[name] = re.sub(r"(?<!\n)\n(?!\n)", " ", inner).replace("``", "`")
            else:
                _tidy(inner)
        if schema.get("default", ...) is None:
            del schema["default"]
        for bound in ("ge", "gt", "le", "lt"):  # of a duration, which JSON Schema knows only as text
            if isinstance(schema.get(bound), str):
                del schema[bound]
