"""``anomaly(metric)``: how unusual a metric is, by what it did before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iot_service.anomaly.detector import AnomalyDetector, Verdict
from iot_service.rules.lets.arguments import ArgumentReader
from iot_service.rules.lets.base import Let, LetFunction, Moment, Names
from iot_service.rules.windows import WindowKey

if TYPE_CHECKING:
    from datetime import datetime

_LARGEST = 1e100


class AnomalyTrack:
    """The detector of one metric, and what it said of the last reading."""

    __slots__ = ("_detector", "_metric", "verdict")

    def __init__(self, metric: str, data: Any) -> None:
        """Begin anew, or where ``data`` left off."""
        self._metric = metric
        detector, score, why = data if data is not None else (None, 0.0, "")
        self._detector = AnomalyDetector(detector)
        self.verdict = Verdict(score, explanation=why)

    def take(self, scope: Mapping[str, Any], moment: Moment) -> None:
        """Take the reading of ``moment``; nothing where there is none, or none that counts.

        What is larger than anything that is measured does not: its square would be infinite, and so all that follows.
        """
        value = scope.get(self._metric)
        if value is not None and self._metric in moment.sampled and abs(value) < _LARGEST:
            self.verdict = self._detector.take(moment.at, value)

    def due(self) -> datetime | None:
        """Return None: only readings say something."""
        return None

    def to_json(self) -> Any:
        """Return the detector and its last verdict."""
        return [self._detector.to_json(), self.verdict.score, self.verdict.explanation]


@dataclass(frozen=True, slots=True)
class AnomalyLet:
    """The score of the last reading of ``metric``: from 1 on it is anomalous."""

    key: str
    metric: str

    @property
    def inputs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    @property
    def windows(self) -> tuple[WindowKey, ...]:
        """None: the detector remembers what it needs."""
        return ()

    @property
    def track(self) -> str | None:
        """The name of the detector."""
        return self.key

    def new_track(self, data: Any) -> AnomalyTrack:
        """Return the detector, going on from ``data``."""
        return AnomalyTrack(self.metric, data)

    def value(self, scope: Mapping[str, Any], moment: Moment) -> float | None:
        """Return the score; None while the metric is missing or outdated."""
        track = moment.tracks.get(self.key)
        return track.verdict.score if isinstance(track, AnomalyTrack) and self.metric in scope else None

    def explain(self, scope: Mapping[str, Any], moment: Moment) -> str | None:  # noqa: ARG002  # it Explains
        """Return what the detector saw in the last reading; None where that is nothing."""
        track = moment.tracks.get(self.key)
        if not isinstance(track, AnomalyTrack) or not track.verdict.explanation:
            return None
        return f"{self.metric} {track.verdict.explanation}"


def _compile(arguments: Sequence[str], names: Names) -> tuple[Let | None, list[str]]:
    reader = ArgumentReader("anomaly", "a metric, such as anomaly(temperature)", arguments, least=1, most=1)
    metric = reader.metric(names.model.metrics)
    return (None, reader.problems) if reader.problems else (AnomalyLet(names.key, metric), [])


FUNCTIONS: tuple[LetFunction, ...] = (
    LetFunction(
        "anomaly", "anomaly(metric)",
        "how unusual the last reading is by all that came before it: from 1 on it is anomalous",
        "anomaly(temperature)", _compile,
    ),
)  # fmt: skip
"""The functions of this module."""
