"""What the texts of a rule name is among the evidence of its needs."""

from __future__ import annotations

from typing import Any

from iot_service.model.customer import Locale
from iot_service.products.catalog import load_catalog
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.texts import say
from iot_service.rules.compiled import CompiledProduct, RuleProblem, compile_product
from iot_service.rules.outcomes import Outcome
from iot_service.rules.testfile import RuleTest, run_test

MODEL = load_catalog().products["freezer"]
TITLE = {"nb": "Fryseren er {temperature}", "en": "Freezer at {temperature}"}
MESSAGE = {"nb": "{limit:.0f °C}, {mean:.1f °C}, {ambient}", "en": "{limit:.0f °C}, {mean:.1f °C}, {ambient}"}


def compiled(**over: Any) -> tuple[CompiledProduct, list[RuleProblem]]:
    rule = {
        "id": "warm", "kind": "fault", "severity": "low", "title": TITLE, "message": MESSAGE,
        "let": {"limit": "setpoint + alarm_offset", "mean": "avg(temperature, 10m)"},
        "when": "door > 0", "clear": "door == 0",
    } | over  # fmt: skip
    return compile_product(MODEL, [RuleSpec.model_validate(rule)])


def outcomes(product: CompiledProduct, **readings: str) -> list[Outcome]:
    test = {"name": "x", "readings": {"temperature": "-55x12", **readings}, "expect": [{"at": "12m", "open": []}]}
    return run_test(product, RuleTest.model_validate(test))[0]


def test_values_of_texts_are_evidence_though_no_condition_reads_them() -> None:
    product, problems = compiled()
    assert problems == []
    opened, resolved = outcomes(product, ambient="21x12", door="0x5 1x3 0x2")
    assert {name: entry["value"] for name, entry in opened.evidence.items()} == {
        "ambient": 21.0, "door": 1.0, "limit": -60.0, "mean": -55.0, "temperature": -55.0,
    }  # fmt: skip
    assert opened.reason == "Freezer at -55 °C: door > 0 holds (door 1)"
    assert resolved.reason == "Freezer at -55 °C is over: door == 0 holds (door 0)"
    assert say(product.rules[0].spec.message or product.rules[0].spec.title, Locale.NB, opened.evidence, MODEL) == (
        "-60 °C, -55,0 °C, 21 °C"
    )


def test_what_is_not_known_is_no_evidence_and_hinders_nothing() -> None:
    opened, *_ = outcomes(compiled()[0], door="0x5 1x3 0x2")
    assert "ambient" not in opened.evidence
    assert "{ambient}" not in opened.reason


def test_the_readings_that_texts_name_are_watched() -> None:
    assert "ambient" in compiled()[0].watched


def test_a_rule_of_silence_may_say_what_came_last() -> None:
    product, problems = compiled(message=None, let={}, when=None, clear=None, absent_for="5m", absent=["door"])
    assert problems == []
    (opened,) = outcomes(product, door="0x2")
    assert opened.reason.startswith("Freezer at -55 °C: no reading of door for 5 min")


def test_an_unknown_name_is_a_problem_of_its_field() -> None:
    _, problems = compiled(title={"nb": "{temprature}", "en": "x"})
    assert problems == [RuleProblem("warm", ("title", "nb"), "there is no 'temprature'; did you mean 'temperature'?")]


def test_a_let_that_neither_a_condition_nor_a_text_reads_is_a_problem() -> None:
    _, problems = compiled(message=None)
    assert sorted(problem.field for problem in problems) == [("let", "limit"), ("let", "mean")]
