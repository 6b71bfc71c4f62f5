"""What a rule may say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from iot_service.products.rule_spec import RuleSpec

BASE: dict[str, Any] = {"id": "warm", "kind": "fault", "severity": "high", "title": {"nb": "Varm", "en": "Warm"}}


def test_a_rule_is_read_with_its_durations_and_defaults() -> None:
    rule = RuleSpec.model_validate({**BASE, "when": "a > 1", "for": "10m", "clear_for": "1h30m"})
    assert (rule.for_, rule.clear_for) == (timedelta(minutes=10), timedelta(minutes=90))
    assert [state.value for state in rule.while_] == ["in_service"]


@pytest.mark.parametrize(
    ("over", "problem"),
    [
        ({}, "either 'when' or 'absent_for'"),
        ({"when": "a > 1", "absent_for": "5m"}, "either 'when' or 'absent_for'"),
        ({"when": "a > 1", "absent": ["a"]}, "needs 'absent_for'"),
        ({"absent_for": "5m", "for": "5m"}, "leave 'for' and 'repeat' out"),
        ({"when": "a > 1", "kind": "refill"}, "needs 'consumable'"),
        ({"when": "a > 1", "while": ["out_of_service"]}, "nothing is judged out of service"),
        ({"when": "a > 1", "while": []}, "at least 1 item"),
    ],
)
def test_what_contradicts_itself_is_refused(over: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        RuleSpec.model_validate({**BASE, **over})
