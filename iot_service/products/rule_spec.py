"""What a rule file says: conditions over a product's readings, and the need that each detects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from iot_service.durations import parse_duration
from iot_service.model.device import ServiceState
from iot_service.model.need import NeedKind, Severity
from iot_service.products.durations import Duration
from iot_service.products.model import Frozen, Name, Text
from iot_service.products.schedule import Schedule

NotNegative = Annotated[Duration, Field(ge=timedelta(0))]

_REPEAT = re.compile(r"(\d+) times within (\S+)")


class Repeat(Frozen):
    """How often a condition must come true, and within what time; written ``3 times within 1h``."""

    times: int = Field(ge=2, le=100)
    """How often, 2 to 100."""
    within: Annotated[Duration, Field(gt=timedelta(0))]
    """From the first time to the last, at the most."""


_Often = Annotated[str, Field(pattern=r"^\s*[0-9]+ times within \S+\s*$")]


def _repeat(value: object) -> Any:
    if not isinstance(value, str):
        return value
    match = _REPEAT.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"'{value}' is no repetition; write for example 3 times within 1h")
    return {"times": int(match[1]), "within": parse_duration(match[2])}


RepeatWritten = Annotated[Repeat, BeforeValidator(_repeat, json_schema_input_type=_Often | Repeat)]
"""A repetition, as people write it."""


def _schedules(value: object) -> Any:
    return value if isinstance(value, list | tuple) or value is None else (value,)


Schedules = Annotated[
    tuple[Schedule, ...], BeforeValidator(_schedules, json_schema_input_type=Schedule | list[Schedule])
]
"""One schedule, or several of which one must hold."""


class Level(Frozen):
    """How bad the need is while a condition of its own holds; the worst of those that hold counts."""

    severity: Severity
    """How bad it is then; worse than the rule's own."""
    when: str | None = None
    """The condition (CEL); without: the rule's own, so that ``for`` alone says how long until it is that bad."""
    for_: NotNegative = Field(default=timedelta(0), alias="for")
    """How long it must hold."""
    clear: str | None = None
    """The condition (CEL) that ends the level; without: it ends when ``when`` has not held for ``keep_for``."""
    clear_for: NotNegative = timedelta(0)
    """How long ``clear`` must hold."""
    keep_for: NotNegative = timedelta(0)
    """How long ``when`` must not have held, where there is no ``clear``."""


class RuleSpec(Frozen):
    """One rule: when a need opens, when it resolves, and what it is.

    Conditions are CEL over metrics, attributes, parameters, facts, ``events`` and the names of ``let``.
    """

    id: Name
    """The id of the rule within its product model."""
    kind: NeedKind
    """What sort of need it is: each customer has an engagement strategy for each."""
    severity: Severity
    """How bad it is; ``levels`` may make it worse while it is open."""
    title: Text
    """What the need is called, in a few words; may hold values, such as {temperature}."""
    message: Text | None = None
    """One or two sentences that say what was seen; may hold values, such as {temperature} or {limit:.1f °C}."""
    advice: Text | None = None
    """What the customer should do now; may hold values."""
    service: Name | None = None
    """The service that can be booked for the need."""
    consumable: Name | None = None
    """What a refill brings."""
    let: Mapping[Name, str] = Field(default_factory=dict)
    """Named values: expressions, or functions of time such as avg(temperature, 1h); each may use those before it."""
    when: str | None = None
    """The condition (CEL) that opens the need."""
    for_: NotNegative = Field(default=timedelta(0), alias="for")
    """How long ``when`` must hold before the need opens."""
    repeat: RepeatWritten | None = None
    """How often ``when`` must have come true (having held for ``for``), such as 3 times within 1h."""
    clear: str | None = None
    """The condition (CEL) that resolves it; without: it resolves when ``when`` has not held for ``keep_for``."""
    clear_for: NotNegative = timedelta(0)
    """How long ``clear`` must hold."""
    keep_for: NotNegative = timedelta(0)
    """How long ``when`` must not have held before the need resolves, where there is no ``clear``."""
    absent_for: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """In the place of ``when``: the need opens when no reading has come for so long."""
    absent: tuple[Name, ...] = ()
    """The metrics whose silence counts; without: that of all."""
    during: Schedules = ()
    """When ``when`` counts: a schedule, or several of which one must hold, in the time zone of the device."""
    outside: Schedules = ()
    """When ``when`` does not count."""
    levels: tuple[Level, ...] = ()
    """Conditions under which the open need is worse."""
    while_: tuple[ServiceState, ...] = Field(default=(ServiceState.IN_SERVICE,), alias="while", min_length=1)
    """The service states in which the rule is judged: commissioning, in_service."""
    inhibits: tuple[Name, ...] = ()
    """Rules whose needs are held back while a need of this one is open."""
    in_maintenance: Literal["mute", "judge"] = "mute"
    """What planned maintenance does: needs are held back, or opened all the same."""
    per: Literal["device", "site"] = "device"
    """Whose need it is; site: the devices of one site that have it share one."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.when is None) == (self.absent_for is None):
            raise ValueError("a rule has either 'when' or 'absent_for'")
        if self.absent and self.absent_for is None:
            raise ValueError("'absent' says whose silence counts, so it needs 'absent_for'")
        if self.absent_for is not None and (self.for_ or self.repeat):
            raise ValueError("'absent_for' already is a time; leave 'for' and 'repeat' out")
        if self.clear is not None and self.keep_for:
            raise ValueError("'keep_for' is for rules without 'clear'; with it, write 'clear_for'")
        if self.kind is NeedKind.REFILL and self.consumable is None:
            raise ValueError("a rule of kind refill needs 'consumable'")
        if ServiceState.OUT_OF_SERVICE in self.while_ or ServiceState.RETIRED in self.while_:
            raise ValueError("'while' may list commissioning and in_service: nothing is judged out of service")
        if self.id in self.inhibits:
            raise ValueError("a rule cannot inhibit itself")
        return self

    @model_validator(mode="after")
    def _levels_make_sense(self) -> Self:
        worse = [level.severity for level in self.levels]
        if len(set(worse)) < len(worse):
            raise ValueError("each severity of 'levels' stands there once")
        if any(not level.severity.is_worse_than(self.severity) for level in self.levels):
            raise ValueError(f"'levels' are worse than the rule's own severity, {self.severity}")
        for level in self.levels:
            if level.when is None and (self.when is None or level.clear is not None):
                raise ValueError("a level without 'when' goes by the rule's own, so it needs one, and has no 'clear'")
            if level.clear is not None and level.keep_for:
                raise ValueError("'keep_for' is for levels without 'clear'; with it, write 'clear_for'")
        return self


class RuleFile(Frozen):
    """``<product>.rules.yaml``: the rules of one product model, by id."""

    product: Name
    """The product model that the rules are for."""
    rules: Mapping[Name, RuleSpec]
    """The rules, by id."""
