"""Which models were right lately, and whether the ranges held: for each number of days ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log2, sqrt

from iot_service.forecast.ahead import mixed
from iot_service.forecast.levels import MAIN, RATES
from iot_service.forecast.negative_binomial import chance_reached, log_likelihood

HORIZONS = (1, 2, 4, 8, 16, 32, 64)
"""Days ahead for which books are kept; in between, on a logarithmic scale."""
_BELIEVED_FIRST = {0: -1.5, 1: -1.0, 2: -0.5, MAIN: 0.0, 4: -0.7}
_OTHERS_FIRST = -0.7
_KEEP = 0.99
_STEP = 0.15
_MISSES = 0.16
"""Misses we settle for, a little fewer than the 20 % of a P10 to P90 range, because they come in runs."""
_NARROWEST, _WIDEST = -0.3, 1.2


@dataclass(frozen=True, slots=True)
class _Forecast:
    first_day: int
    models: Sequence[tuple[float, float]]
    mean: float
    variance: float


@dataclass(slots=True)
class TrackRecord:
    """Log weights of the models and log width of the ranges, by horizon.

    Weights are discounted predictive likelihoods (Herbster and Warmuth, "Tracking the best expert", Machine Learning
    32, 1998), where forecasts for n days that overlap count 1/n each. Widths follow adaptive conformal inference
    (Gibbs and Candès, "Adaptive conformal inference under distribution shift", NeurIPS 2021): each miss widens, each
    hit narrows a little, so that in the long run the share of misses is the wanted one whatever the data are.
    """

    scores: list[list[float]] = field(default_factory=lambda: [[] for _ in HORIZONS])
    widths: list[float] = field(default_factory=lambda: [0.0] * len(HORIZONS))
    pending: list[deque[_Forecast]] = field(default_factory=lambda: [deque() for _ in HORIZONS])

    def note(self, first_day: int, horizon: int, models: Sequence[tuple[float, float]]) -> None:
        """Keep what the models say of the days from number ``first_day``, until the horizon with this index is past."""
        scores = self.scores[horizon]
        while len(scores) < len(models):
            scores.append(sum(scores) / len(scores) if scores else 0.0)
        mean, variance = mixed(models, self._weights(horizon))
        self.pending[horizon].append(_Forecast(first_day, models, mean, variance))

    def judge(self, day: int, cumulative: Sequence[float], *, surely_open: bool) -> None:
        """Settle the forecasts whose last day is number ``day``; ``cumulative`` are all uses before each day, and now.

        While the device is probably closed they are put aside: no model of use could know.
        """
        for horizon, days in enumerate(HORIZONS):
            pending = self.pending[horizon]
            while pending and pending[0].first_day + days <= day + 1:
                forecast = pending.popleft()
                if surely_open:
                    use = cumulative[-1] - cumulative[-1 - days]
                    self._score(horizon, forecast, use)
                    self._calibrate(horizon, forecast, use)

    def _score(self, horizon: int, forecast: _Forecast, use: float) -> None:
        scores = self.scores[horizon]
        for index, score in enumerate(scores):
            if index < len(forecast.models):
                mean, variance = forecast.models[index]
                scores[index] = score * _KEEP + log_likelihood(use, max(mean, 1e-6), variance) / HORIZONS[horizon]
        known = scores[: len(forecast.models)]
        scores[len(forecast.models) :] = [sum(known) / len(known)] * (len(scores) - len(known))

    def _calibrate(self, horizon: int, forecast: _Forecast, use: float) -> None:
        mean = forecast.mean
        variance = widened(mean, forecast.variance, exp(self.widths[horizon]))
        at_least = chance_reached(use, mean, variance) if use > 0 else 1.0
        above = chance_reached(use + 1, mean, variance)
        missed = not 0.1 <= (at_least + above) / 2 <= 0.9
        step = _STEP / sqrt(HORIZONS[horizon]) * (float(missed) - _MISSES)
        self.widths[horizon] = max(_NARROWEST, min(_WIDEST, self.widths[horizon] + step))

    def _weights(self, horizon: int) -> list[float]:
        scores = self.scores[horizon]
        logs = [
            score + (_BELIEVED_FIRST[index] if index < len(RATES) else _OTHERS_FIRST)
            for index, score in enumerate(scores)
        ]
        highest = max(logs)
        weights = [exp(one - highest) for one in logs]
        total = sum(weights)
        return [weight / total for weight in weights]

    def snapshot(self) -> Trust:
        """Return weights and widths as they are now."""
        return Trust([self._weights(horizon) for horizon in range(len(HORIZONS))], self.widths[:])


@dataclass(frozen=True, slots=True)
class Trust:
    """Weights of the models and log widths by horizon, at one time."""

    weights: list[list[float]]
    widths: list[float]

    def at(self, days: int) -> tuple[list[float], float]:
        """Return the weights (sum 1) and the factor on the spread for a forecast over ``days`` (≥ 1) days."""
        place = min(log2(days), len(HORIZONS) - 1.0)
        below = min(int(place), len(HORIZONS) - 2)
        share = place - below
        weights = [
            low + share * (high - low)
            for low, high in zip(self.weights[below], self.weights[below + 1], strict=True)
        ]  # fmt: skip
        return weights, exp(self.widths[below] + share * (self.widths[below + 1] - self.widths[below]))


def widened(mean: float, variance: float, factor: float) -> float:
    """Return the variance with its part beyond Poisson's ``factor``² times as large."""
    return mean + max(variance - mean, 0.0) * factor * factor
