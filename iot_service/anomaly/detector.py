"""The anomaly detector: one series of one device, online, with nothing to tune, and with its reasons.

It watches how far readings are from what is expected, over several lengths of time and added up while they stay on one
side (CUSUM, Page 1954), and how much they vary from one to the next. Each of these has a threshold of its own, learned
from how high it got before (:mod:`iot_service.anomaly.peaks`), so nothing depends on unit, rate or kind of the series.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import exp, log
from typing import Any

from iot_service.anomaly.expectation import LEVEL_LASTS, Expectation
from iot_service.anomaly.peaks import Peaks
from iot_service.anomaly.robust import RobustLevel

_MEANS = (0.0, 1800.0, 7200.0, 21_600.0, 43_200.0)  # seconds over which distances are averaged
_VARIATIONS = (7200.0, 43_200.0)  # seconds over which steps are
_DRIFTS = ((1.0, 1.5), (-1.0, 1.5), (1.0, 3.0), (-1.0, 3.0))  # side, and spreads that are not added up
_DRIFT_LASTS = 3 * 86_400.0
_DRIFT_FLOOR, _FLOOR = 12.0, 4.0  # hours times spreads, and spreads, below which nothing is anomalous
_FARTHEST = 8.0  # spreads that one reading adds at the most
_BY_CHANCE, _DRIFT_BY_CHANCE = 40 * 86_400.0, 20 * 86_400.0  # seconds between false alarms of one statistic
_SHORTEST_BLOCK, _DAY = 21_600.0, 86_400.0
_KNOWN = 20  # readings before distances mean anything
_EPISODE = 86_400.0  # seconds without anything anomalous that end an episode


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the detector says of one reading.

    ``score`` is 0 or more; from 1 on it is anomalous, which one series is by itself about once in a month or two.
    ``begins``: an episode of anomalies begins here. ``explanation`` is English, empty while the score is below 1.
    """

    score: float
    begins: bool = False
    explanation: str = ""


_NOTHING = Verdict(0.0)


@lru_cache(maxsize=1024)
def _weights(step: float) -> tuple[float, float, tuple[float, ...], tuple[float, ...]]:
    """Return how much a reading counts after ``step`` seconds: of the level, of drifts, of each mean and variation."""
    means = tuple(1 - exp(-step / span) if span and step else 1.0 for span in _MEANS)
    return (
        1 - exp(-step / LEVEL_LASTS),
        exp(-step / _DRIFT_LASTS),
        means,
        tuple(1 - exp(-step / s) for s in _VARIATIONS),
    )


class _Sided:
    """One statistic that may be too high or too low, in spreads from its own level."""

    __slots__ = ("high", "level", "low")

    def __init__(self, block: float, kept: Any = None) -> None:
        level, high, low = kept if kept is not None else (None, None, None)
        self.level = RobustLevel(level)
        self.high, self.low = (Peaks(block, _FLOOR, _BY_CHANCE, heavy=True, kept=side) for side in (high, low))

    def take(self, at: float, value: float, weight: float) -> tuple[float, float]:
        """Take the value at ``at``; return its score, and its distance in spreads (its sign is the side)."""
        level = self.level
        score = distance = 0.0
        if level.count > _KNOWN and level.spread > 0:
            distance = (value - level.level) / level.spread
            side, away = (self.high, distance) if distance >= 0 else (self.low, -distance)
            if side.threshold is not None:
                score = away / side.threshold
            self.high.take(at, distance)
            self.low.take(at, -distance)
        level.take(value, weight)
        return score, distance

    def to_json(self) -> list[Any]:
        return [self.level.to_json(), self.high.to_json(), self.low.to_json()]


class AnomalyDetector:
    """The state of one series; it takes some kilobytes, however long the series is."""

    __slots__ = (
        "_distance", "_drift_peaks", "_drifts", "_expectation", "_last", "_means", "_step", "_steps", "_until",
        "_value", "_variation", "_varied", "_ways",
    )  # fmt: skip

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        """Begin anew, or exactly where :meth:`to_json` left off."""
        kept = kept or {}
        self._last: float | None = kept.get("last")
        self._step: float | None = kept.get("step")
        self._value: float = kept.get("value", 0.0)
        self._until: float | None = kept.get("until")
        self._expectation = Expectation(kept.get("expectation"))
        self._distance = RobustLevel(kept.get("distance"))
        self._means: list[float] = list(kept.get("means", [0.0] * len(_MEANS)))
        self._varied: list[float] | None = kept.get("varied")
        self._drifts: list[float] = list(kept.get("drifts", [0.0] * len(_DRIFTS)))
        ways = kept.get("ways", [None] * len(_MEANS))
        self._ways = [_Sided(max(_SHORTEST_BLOCK, 2 * span), way) for span, way in zip(_MEANS, ways, strict=True)]
        steps = kept.get("steps", [None] * len(_VARIATIONS))
        self._variation = [
            _Sided(max(_SHORTEST_BLOCK, 2 * span), way) for span, way in zip(_VARIATIONS, steps, strict=True)
        ]
        peaks = kept.get("drift_peaks", [None] * len(_DRIFTS))
        self._drift_peaks = [Peaks(_DAY, _DRIFT_FLOOR, _DRIFT_BY_CHANCE, heavy=False, kept=each) for each in peaks]
        self._steps: int = kept.get("count", 0)

    def take(self, at: datetime, value: float) -> Verdict:
        """Take one reading, and say what it is like; readings that come out of order, or twice, are passed over."""
        now = at.timestamp()
        if self._last is not None and now <= self._last:
            return _NOTHING
        step = self._passed(now)
        usual = self._step or 0.0
        expected = self._expectation.of(at, value, step, usual)
        off = value - expected
        found = max(
            self._by_means(now, off, step),
            self._by_drift(now, off, step),
            self._by_variation(now, value, step),
            key=lambda each: each[0],
        )
        self._last, self._value = now, value
        self._steps += 1
        score, what = found
        if score < 1:
            return Verdict(score)
        begins = self._until is None or now > self._until
        self._until = now + _EPISODE
        return Verdict(score, begins, f"{value:.4g}, expected {expected:.4g}: {what}")

    def _passed(self, now: float) -> float:
        """Return the seconds since the last reading, of which a gap counts as two usual steps."""
        if self._last is None:
            return 0.0
        step = now - self._last
        if self._step is None:
            self._step = step
        else:
            self._step += 0.05 * max(-self._step, min(self._step, step - self._step))
        return min(step, 2 * self._step)

    def _by_means(self, now: float, off: float, step: float) -> tuple[float, str]:
        best, found = 0.0, ""
        weight, _, shares, _ = _weights(step)
        for place, span in enumerate(_MEANS):
            mean = self._means[place] + shares[place] * (off - self._means[place])
            self._means[place] = mean
            score, distance = self._ways[place].take(now, mean, weight)
            if score > best:
                best = score
                if score >= 1:
                    over = f" on average over about {_span(span)}" if span else ""
                    side = "above" if distance > 0 else "below"
                    found = f"{abs(distance):.1f} spreads {side} what is usual{over}"
        return best, found

    def _by_drift(self, now: float, off: float, step: float) -> tuple[float, str]:
        level = self._distance
        best, found = 0.0, ""
        weight, forgets, _, _ = _weights(step)
        if level.count > _KNOWN and level.spread > 0:
            away = max(-_FARTHEST, min(_FARTHEST, (off - level.level) / level.spread))
            hours = step / 3600
            for place, (side, slack) in enumerate(_DRIFTS):
                total = max(0.0, self._drifts[place] * forgets + (side * away - slack) * hours)
                self._drifts[place] = total
                peaks = self._drift_peaks[place]
                if peaks.threshold is not None and total > best * peaks.threshold:
                    best = total / peaks.threshold
                    if best >= 1:
                        found = f"has stayed {'above' if side > 0 else 'below'} what is usual for too long"
                peaks.take(now, total)
        level.take(off, weight)
        return best, found

    def _by_variation(self, now: float, value: float, step: float) -> tuple[float, str]:
        if self._last is None:
            return 0.0, ""
        change = abs(value - self._value)
        if self._varied is None:
            self._varied = [change] * len(_VARIATIONS)
        best, found = 0.0, ""
        weight, _, _, shares = _weights(step)
        least = 0.01 * self._expectation.error + 1e-12
        for place, span in enumerate(_VARIATIONS):
            share = max(shares[place], 1 / (self._steps + 1))
            self._varied[place] += share * (change - self._varied[place])
            score, distance = self._variation[place].take(now, log(self._varied[place] + least), weight)
            if score > best:
                best = score
                if score >= 1:
                    found = f"has varied {'more' if distance > 0 else 'less'} than usual for about {_span(span)}"
        return best, found

    def to_json(self) -> dict[str, Any]:
        """Return what is to be kept, as JSON."""
        return {
            "last": self._last, "step": self._step, "value": self._value, "until": self._until, "count": self._steps,
            "expectation": self._expectation.to_json(), "distance": self._distance.to_json(),
            "means": self._means, "varied": self._varied, "drifts": self._drifts,
            "ways": [each.to_json() for each in self._ways], "steps": [each.to_json() for each in self._variation],
            "drift_peaks": [each.to_json() for each in self._drift_peaks],
        }  # fmt: skip


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"
