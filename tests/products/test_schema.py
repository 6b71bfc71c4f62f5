"""The published schemas: what editors check is what we accept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from iot_service.wiring.rules_schema import KINDS, schema_text

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "schema"
SHIPPED = sorted((ROOT / "iot_service" / "products").glob("*.yaml"))
RULE = "kind: fault, severity: high, title: {nb: a, en: b}, when: temperature > 3"


def kind_of(name: str) -> str:
    ends = {".test.yaml": "tests", ".rules.yaml": "rules", "templates.yaml": "templates", "services.yaml": "services"}
    return next((kind for end, kind in ends.items() if name.endswith(end)), "product")


class Reader(yaml.SafeLoader):
    """YAML as editors see it: in JSON, a date is a text."""


Reader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def mistakes(kind: str, text: str) -> list[str]:
    data = yaml.load(text, Loader=Reader)
    return [error.message for error in Draft202012Validator(KINDS[kind]()).iter_errors(data)]


def keys(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, inner in schema.items():
            if name == "properties":
                yield from ((".".join((*path[-1:], key)), value) for key, value in inner.items())
            yield from keys(inner, (*path, name))


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_copies_are_what_the_command_prints(kind: str) -> None:
    published = (PUBLISHED / f"{kind}.json").read_text(encoding="utf-8")
    hint = f"write it anew: iot-service rules schema --kind {kind} > docs/schema/{kind}.json"
    assert published == schema_text(kind) + "\n", hint


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    schema = KINDS[kind]()
    Draft202012Validator.check_schema(schema)
    assert [name for name, value in keys(schema) if not value.get("description")] == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_shipped_files_say_their_schema_and_hold_to_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    kind = kind_of(file.name)
    assert text.startswith(f"# yaml-language-server: $schema=../../docs/schema/{kind}.json\n")
    assert (file.parent / f"../../docs/schema/{kind}.json").exists()
    assert mistakes(kind, text) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("rules", f"product: freezer\nrules: {{warm: {{{RULE}}}}}"),
        ("rules", f"product: freezer\nrules: {{warm: {{{RULE}, for: 1h30m, repeat: 3 times within 2h}}}}"),
        ("rules", f"product: freezer\nrules: {{warm: {{{RULE}, during: {{days: mon-fri, hours: [22:00-06:00]}}}}}}"),
        (
            "rules",
            f"product: freezer\ntemplates: {{t: {{rule: {{{RULE}}}}}}}\nrules: {{warm: {{use: t, with: {{a: 1}}}}}}",
        ),
        ("templates", "templates: {t: {parameters: {limit:}, rule: {when: '${limit} > 1'}}}"),
    ],
)
def test_what_is_right_passes(kind: str, text: str) -> None:
    assert mistakes(kind, text) == []


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("rules", "rules: {}", "'product' is a required property"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE}, fro: 10m}}}}", "'fro' was unexpected"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE}, for: 10 minutes}}}}", "'10 minutes' does not match"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE.replace('high', 'bad')}}}}}", "'bad' is not one of"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE.replace('kind: fault,', '')}}}}}", "'kind' is a required"),
        ("rules", f"product: x\nrules: {{too warm: {{{RULE}}}}}", "'too warm' does not match"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE}, with: {{a: 1}}}}}}", "'use' is a dependency of 'with'"),
        ("rules", f"product: x\nrules: {{warm: {{{RULE}, during: {{days: monday}}}}}}", "is not valid under any"),
        ("templates", "templates: {t: {rule: {wehn: a}}}", "'wehn' was unexpected"),
        ("product", "id: x\nname: {nb: a, en: b}\nmetrics: {}", "should be non-empty"),
        ("product", "id: x\nname: {nb: a}\nmetrics: {a: {unit: V}}", "'en' is a required property"),
        ("services", "services: {a: {price: -1}}", "-1 is less than the minimum of 0"),
        ("tests", "product: x\ntests: [{name: a, expect: []}]", "should be non-empty"),
        ("tests", "product: x\ntests: [{name: a, readings: {t: 3}, expect: [{at: 1m, open: []}]}]", "is not of type"),
    ],
)
def test_what_is_wrong_is_refused(kind: str, text: str, says: str) -> None:
    found = mistakes(kind, text)
    assert any(says in message for message in found), found
