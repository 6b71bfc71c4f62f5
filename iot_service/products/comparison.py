"""Comparisons with the fleet: what of a device is compared with the same of its peers, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from iot_service.products.durations import Duration

_HOUR, _YEAR = timedelta(hours=1), timedelta(days=400)


class Comparison(BaseModel):
    """How each device compares with its peers in hours that were alike: the fact NAME_vs_peers, 1.3 for 30 % more."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    metric: str
    """The metric whose hourly means are compared."""
    alike: Mapping[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Metric → how wide a step is: hours are alike where the hourly means of it lie in the same step."""
    over: Annotated[Duration, Field(ge=_HOUR, le=_YEAR)] = timedelta(days=7)
    """How far it looks back."""
    peers: int = Field(default=5, ge=2, le=10_000)
    """With how many others an hour must have been alike to count."""
    hours: int = Field(default=24, ge=1, le=10_000)
    """How many hours of a device must count, or nothing is said of it."""


def compared_fact(comparison: str) -> str:
    """Return the name of the fact that says how a device compares: 1 is like its peers, 1.3 is 30 % more."""
    return f"{comparison}_vs_peers"


def usual_fact(comparison: str) -> str:
    """Return the name of the fact that says what the peers of a device had, in the unit of the metric."""
    return f"{comparison}_of_peers"


def count_fact(comparison: str) -> str:
    """Return the name of the fact that says with how many peers a device was compared."""
    return f"{comparison}_peers"


def comparison_facts(comparisons: Iterable[str]) -> Iterable[str]:
    """Yield the names of all facts of ``comparisons``."""
    for name in comparisons:
        yield from (compared_fact(name), usual_fact(name), count_fact(name))


def comparison_problems(
    comparisons: Mapping[str, Comparison], metrics: Mapping[str, bool]
) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield what ``comparisons`` name that there is not, each by its field; ``metrics`` says of each if it counts."""
    for name, comparison in comparisons.items():
        if comparison.metric not in metrics:
            yield (name, "metric"), f"no metric '{comparison.metric}'"
        elif metrics[comparison.metric]:
            yield (name, "metric"), f"'{comparison.metric}' is a counter, and its mean says nothing"
        for other in comparison.alike:
            if other not in metrics:
                yield (name, "alike", other), f"no metric '{other}'"
