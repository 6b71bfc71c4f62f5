"""A let that is a plain expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iot_service.rules.expressions import Expression
from iot_service.rules.lets.base import Moment, Untracked


@dataclass(frozen=True, slots=True)
class ExpressionLet(Untracked):
    """Any expression that gives a number."""

    expression: Expression

    @property
    def inputs(self) -> frozenset[str]:
        """What the expression reads; names of earlier lets among them."""
        return self.expression.inputs

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the number."""
        result = self.expression.evaluate(scope, moment.errors)
        return float(result) if isinstance(result, int | float) else None
