"""Templates: rules that are written once and used several times."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iot_service.products.catalog import CatalogFiles, read_catalog, shipped_files
from iot_service.products.problems import show_problems

TEMPLATES = """\
templates:
  too_warm:
    parameters: {metric: temperature, limit: 8, hold: 10m, word:}
    rule:
      kind: fault
      severity: high
      title: {nb: "${word} er for varm", en: "${word} too warm"}
      when: "${metric} > ${limit}"
      for: "${hold}"
"""
RULES = """\
product: freezer
rules:
  fridge_warm: {use: too_warm, with: {hold: 10h, word: Fridge}, severity: critical}
  room_warm:
    use: too_warm
    with: {metric: ambient, limit: 30.5, word: Room}
    clear: ambient < 28
"""


def read(tmp_path: Path, **files: str) -> CatalogFiles:
    for name, text in files.items():
        (tmp_path / f"{name.replace('__', '.')}.yaml").write_text(text, encoding="utf-8")
    return read_catalog([*shipped_files(), *sorted(tmp_path.glob("*.yaml"))])


def problems(read: CatalogFiles, tmp_path: Path) -> list[str]:
    return show_problems(read.problems).replace(f"{tmp_path}/", "").splitlines()


def test_a_rule_that_uses_a_template_is_the_template_with_its_values(tmp_path: Path) -> None:
    rules = read(tmp_path, freezer__rules=TEMPLATES + RULES).catalog.rules["freezer"]
    assert rules["fridge_warm"].when == "temperature > 8"
    assert rules["fridge_warm"].for_ == timedelta(hours=10)
    assert rules["fridge_warm"].severity == "critical"
    assert rules["fridge_warm"].title.en == "Fridge too warm"
    assert rules["room_warm"].when == "ambient > 30.5"
    assert rules["room_warm"].clear == "ambient < 28"
    assert rules["room_warm"].severity == "high"


def test_templates_of_a_file_of_their_own_are_shared(tmp_path: Path) -> None:
    found = read(tmp_path, templates=TEMPLATES, freezer__rules=RULES)
    assert found.problems == []
    assert {"fridge_warm", "room_warm"} < set(found.catalog.rules["freezer"])


def test_a_value_that_stands_alone_keeps_its_type(tmp_path: Path) -> None:
    text = """\
templates:
  any:
    parameters: {title:, while: [in_service], advice: null-advice}
    rule: {kind: fault, severity: low, title: "${title}", while: "${while}", when: "door > 0", advice: "${advice}"}
product: freezer
rules:
  ajar: {use: any, with: {title: {nb: a, en: b}, while: [commissioning], advice: {nb: c, en: d}}}
"""
    rule = read(tmp_path, freezer__rules=text).catalog.rules["freezer"]["ajar"]
    assert (rule.title.en, rule.while_) == ("b", ("commissioning",))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "room_warm:\n    use: too_warm",
            "room_warm:\n    use: too_wram",
            "freezer.rules.yaml:14: rules.room_warm.use: no template 'too_wram'; did you mean 'too_warm'?",
        ),
        (
            "metric: ambient,",
            "metrik: ambient,",
            "freezer.rules.yaml:15: rules.room_warm.with.metrik: template 'too_warm' has no parameter 'metrik'"
            "; did you mean 'metric'?",
        ),
        (
            ", word: Room}",
            "}",
            "freezer.rules.yaml:15: rules.room_warm.with: template 'too_warm' needs a value for word",
        ),
        (
            "hold: 10h",
            "hold: long",
            "freezer.rules.yaml:12: rules.fridge_warm.for: 'long' is not a duration; write for example 90s, 15m, 2h, 3d"
            " or 1h30m (template 'too_warm', freezer.rules.yaml:2)",
        ),
        (
            "    clear: ambient < 28",
            "    clears: ambient < 28",
            "freezer.rules.yaml:16: rules.room_warm.clears: no such key; did you mean 'clear'?",
        ),
        (
            "limit: 30.5",
            "limit: [30, 40]",
            "freezer.rules.yaml:14: rules.room_warm.use: parameter 'limit' is a text or a number where it stands within"
            " a text",
        ),
        (
            '"${metric} > ${limit}"',
            '"${metric} > ${limti}"',
            "freezer.rules.yaml:8: templates.too_warm.rule.when: there is no parameter 'limti'; did you mean 'limit'?",
        ),
        (
            "      severity: high",
            "      severe: high",
            "freezer.rules.yaml:6: templates.too_warm.rule.severe: no such key; did you mean 'severity'?",
        ),
        ("with: {hold: 10h, word: Fridge}", "with: 3", "freezer.rules.yaml:12: rules.fridge_warm.with: write the"
            " parameters with their values, as {name: value}"),
        ("use: too_warm, with: {hold: 10h,", "with: {hold: 10h,", "freezer.rules.yaml:12: rules.fridge_warm.with: is"
            " for rules that use a template; say which by 'use'"),
        ("templates:\n", "templates:\n  bad: {parameters: {}}\n",
            "freezer.rules.yaml:2: templates.bad.rule: is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_line_of_the_use(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = TEMPLATES + RULES
    assert old in text
    assert expected in problems(read(tmp_path, freezer__rules=text.replace(old, new)), tmp_path)


@pytest.mark.parametrize("name", ["5", "on", "null"])
def test_a_rule_whose_id_is_no_text_is_told_like_any_other(tmp_path: Path, name: str) -> None:
    text = TEMPLATES + RULES.replace("fridge_warm: ", f"{name}: ").replace("word: Fridge", "")
    assert any(
        "template 'too_warm' needs a value for word" in each
        for each in problems(read(tmp_path, freezer__rules=text), tmp_path)
    )


def test_a_parameter_that_nobody_uses_is_told(tmp_path: Path) -> None:
    text = TEMPLATES.replace("word:}", "word:, spare: 1}") + RULES
    assert problems(read(tmp_path, freezer__rules=text), tmp_path) == [
        "freezer.rules.yaml:3: templates.too_warm.parameters.spare: is never used; remove it"
    ]
