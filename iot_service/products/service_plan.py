"""Service plans: how often a product is to be serviced, by its counters, by the calendar, or both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MONTHS = "months"
"""The limit that counts calendar months; every other one is a counter of the product."""

Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)] | str
"""How much may pass between two services: a number, or the parameter that holds it."""


class ServicePlan(BaseModel):
    """How often one service is due, counted from when it was last done, or else from the first reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    every: Mapping[str, Limit] = Field(min_length=1)
    """The limits, of which the one that is reached first counts: counters in their units, and ``months``."""

    @property
    def counters(self) -> tuple[str, ...]:
        """The counters among its limits."""
        return tuple(name for name in self.every if name != MONTHS)


def serviced_at(service: str) -> str:
    """Return the name of the fact that says when ``service`` was last done, in days since 1970-01-01 (UTC)."""
    return f"{service}_at"


def serviced_reading(service: str, counter: str) -> str:
    """Return the name of the fact that says what ``counter`` showed when ``service`` was last done."""
    return f"{service}_{counter}"


def plan_facts(plans: Mapping[str, ServicePlan]) -> Iterable[str]:
    """Yield the names of all facts of ``plans``, which are by service."""
    for service, plan in plans.items():
        yield serviced_at(service)
        yield from (serviced_reading(service, counter) for counter in plan.counters)


def plan_problems(
    plans: Mapping[str, ServicePlan], counters: Mapping[str, bool], parameters: Mapping[str, float]
) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield what ``plans`` name that there is not, each by its field; ``counters`` says of each metric if it is one."""
    for service, plan in plans.items():
        for name, limit in plan.every.items():
            field = (service, "every", name)
            if name != MONTHS and name not in counters:
                yield field, f"no metric '{name}', nor is it {MONTHS}"
            elif name != MONTHS and not counters[name]:
                yield field, f"'{name}' is no counter: a plan goes by what only grows, so write counter: true there"
            if isinstance(limit, str) and limit not in parameters:
                yield field, f"no parameter '{limit}'"
            elif isinstance(limit, str) and parameters[limit] <= 0:
                yield field, f"the parameter '{limit}' must be above 0"
