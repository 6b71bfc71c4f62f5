"""How a device compares with its peers: ``vs_peers(compressor_share)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iot_service.products.comparison import Comparison, compared_fact, count_fact, usual_fact
from iot_service.products.documents import suggestion
from iot_service.products.durations import show_duration
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names, Untracked


@dataclass(frozen=True, slots=True)
class PeersLet(Untracked):
    """``vs_peers(comparison)``: what is compared of the device, as a multiple of what its peers have."""

    name: str
    comparison: Comparison

    @property
    def inputs(self) -> frozenset[str]:
        """The fact that the fleet's comparison gives."""
        return frozenset({compared_fact(self.name)})

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:  # noqa: ARG002  # a Let
        """Return the multiple, 1 for a device that is like its peers."""
        ratio = scope.get(compared_fact(self.name))
        return float(ratio) if ratio is not None else None

    def explain(self, scope: Mapping[str, Any], moment: Moment) -> str | None:  # noqa: ARG002  # Explains
        """Return what was compared with whom, and under which conditions."""
        ratio, usual = scope.get(compared_fact(self.name)), scope.get(usual_fact(self.name))
        if ratio is None or usual is None:
            return None
        alike = " and ".join(self.comparison.alike)
        under = f" at the same {alike}" if alike else ""
        return (
            f"{self.comparison.metric} {ratio * usual:.3g} in the mean, {abs(ratio - 1):.0%} "
            f"{'more' if ratio >= 1 else 'less'} than the {usual:.3g} of {scope.get(count_fact(self.name), 0):.0f} "
            f"others{under}, over {show_duration(self.comparison.over)}"
        )


def _vs_peers(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    reader = ArgumentReader("vs_peers", "a comparison of the product", arguments, least=1, most=1)
    name = reader.text()
    comparison = names.model.comparisons.get(name)
    if comparison is None and not reader.problems:
        reader.problems.append(
            f"the product has no comparison '{name}'{suggestion(name, list(names.model.comparisons))}"
        )
    return (PeersLet(name, comparison), []) if comparison is not None else (None, reader.problems)


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "vs_peers", "vs_peers(comparison)",
        "what a comparison of the product model says: 1 for a device that is like its peers, 1.3 for 30 % more",
        "vs_peers(compressor_share)", _vs_peers,
    ),
)  # fmt: skip
"""The functions of this module."""
