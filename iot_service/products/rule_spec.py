"""What a rule file says: conditions over a product's readings, and the need that each detects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from iot_service.model.device import ServiceState
from iot_service.model.need import NeedKind, Severity
from iot_service.products.durations import Duration
from iot_service.products.model import Frozen, Name, Text

NotNegative = Annotated[Duration, Field(ge=timedelta(0))]


class RuleSpec(Frozen):
    """One rule: when a need opens, when it resolves, and what it is.

    ``when`` and ``clear`` are CEL over metrics, attributes, parameters, facts, ``events`` and the names of ``let``;
    without ``clear``, a need resolves when ``when`` is false. ``for`` and ``clear_for`` say how long each must hold.
    ``absent_for`` takes the place of ``when``: no reading (of any metric, or of those in ``absent``) for so long.
    ``while`` lists the service states in which the rule is judged. ``service`` is what can be booked for the need,
    ``consumable`` what a refill brings, ``advice`` what the customer should do now.
    """

    id: Name
    kind: NeedKind
    severity: Severity
    title: Text
    advice: Text | None = None
    service: Name | None = None
    consumable: Name | None = None
    let: Mapping[Name, str] = Field(default_factory=dict)
    when: str | None = None
    for_: NotNegative = Field(default=timedelta(0), alias="for")
    clear: str | None = None
    clear_for: NotNegative = timedelta(0)
    absent_for: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    absent: tuple[Name, ...] = ()
    while_: tuple[ServiceState, ...] = Field(default=(ServiceState.IN_SERVICE,), alias="while", min_length=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.when is None) == (self.absent_for is None):
            raise ValueError("a rule has either 'when' or 'absent_for'")
        if self.absent and self.absent_for is None:
            raise ValueError("'absent' says whose silence counts, so it needs 'absent_for'")
        if self.absent_for is not None and self.for_:
            raise ValueError("'absent_for' already is a time; leave 'for' out")
        if self.kind is NeedKind.REFILL and self.consumable is None:
            raise ValueError("a rule of kind refill needs 'consumable'")
        if ServiceState.OUT_OF_SERVICE in self.while_ or ServiceState.RETIRED in self.while_:
            raise ValueError("'while' may list commissioning and in_service: nothing is judged out of service")
        return self


class RuleFile(Frozen):
    """``<product>.rules.yaml``: the rules of one product model, by id."""

    product: Name
    rules: Mapping[Name, RuleSpec]
