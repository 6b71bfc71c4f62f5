from __future__ import annotations

import json
from typing import Any

from iot_service.products.catalog import load_files
from iot_service.rules.versions.files import file_rules
from iot_service.rules.versions.text import digest_of, read_rule, rule_text
from tests.rules.telemetry import SHIPPED, rule
from tests.rules.versions.changes import written

RICH: dict[str, Any] = {
    "let": {"zeta": "avg(temperature, 2h)", "alpha": "zeta + 1.0"}, "when": "alpha > -60", "for": "90s",
    "repeat": "3 times within 1h", "levels": [{"severity": "critical", "for": "2h"}],
}  # fmt: skip


def test_every_shipped_rule_can_be_kept_and_read_again() -> None:
    kept = file_rules(load_files())
    assert len(kept) == sum(map(len, SHIPPED.rules.values()))
    for each in kept:
        assert read_rule(rule_text(each.spec, each.written)) == each.spec


def test_a_rule_is_kept_as_it_was_written() -> None:
    text = rule_text(rule(**RICH), written(**RICH))
    assert json.loads(text)["repeat"] == "3 times within 1h"
    assert json.loads(text)["for"] == "90s"
    assert read_rule(text) == rule(**RICH)


def test_a_rule_that_was_made_of_something_else_is_kept_in_full() -> None:
    spec = rule(**RICH)
    text = rule_text(spec, {"template": "warm", "limit": -60})
    assert read_rule(text) == spec
    assert list(json.loads(text)["let"]) == ["zeta", "alpha"], "a let may read those before it"


def test_the_digest_minds_what_a_rule_says_and_not_how_it_is_written() -> None:
    said = digest_of(rule(**RICH))
    assert digest_of(rule(**{**RICH, "for": "1m30s"})) == said
    assert digest_of(rule(**{**RICH, "for": "91s"})) != said
    lets = {"b": "avg(temperature, 2h)", "a": "avg(power, 2h)"}
    turned = dict(reversed(lets.items()))
    assert digest_of(rule(let=lets)) != digest_of(rule(let=turned)), "a let may read those before it"
