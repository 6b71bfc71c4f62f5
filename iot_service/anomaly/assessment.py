"""How well the detector does on a labelled recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from iot_service.anomaly.detector import AnomalyDetector
from iot_service.anomaly.nab import nab_score, probation
from iot_service.anomaly.recording import Reading, Window


@dataclass(frozen=True, slots=True)
class Detection:
    """One episode of anomalies: where (from 0) and when it was detected, why, and in which window, None for outside.

    ``text`` is the time as it is written in the file.
    """

    place: int
    at: datetime
    text: str
    explanation: str
    window: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What came of a recording; detections in the first part, in which the detector learns, are left out.

    ``precision`` is the share of detections that are in a window, ``recall`` the share of windows with a detection;
    None where there is nothing to share. ``delay`` is the mean time in seconds from the start of a window to the first
    detection in it, None without one. ``nab`` is the score of the benchmark, None without a window.
    ``false_per_week`` counts the detections outside windows.
    """

    detections: tuple[Detection, ...]
    precision: float | None
    recall: float | None
    delay: float | None
    nab: float | None
    false_per_week: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "detections": [detection.text for detection in self.detections],
            "precision": _rounded(self.precision),
            "recall": _rounded(self.recall),
            "delay_s": _rounded(self.delay),
            "nab": _rounded(self.nab),
            "false_per_week": round(self.false_per_week, 3),
        }


def detect(readings: Sequence[Reading]) -> Iterator[tuple[int, str]]:
    """Yield place and explanation of each episode in ``readings``, in their order; the detector knows no later one."""
    detector = AnomalyDetector()
    for place, reading in enumerate(readings):
        verdict = detector.take(reading.at, reading.value)
        if verdict.begins:
            yield place, verdict.explanation


def assess(readings: Sequence[Reading], windows: Sequence[Window]) -> Assessment:
    """Return how the detector does on ``readings`` whose anomalies are in ``windows``, apart from each other."""
    start = probation(len(readings))
    found = [
        Detection(place, readings[place].at, readings[place].text, why, _window_of(readings[place].at, windows))
        for place, why in detect(readings)
        if place >= start
    ]
    counted = [place for place, (_, end) in enumerate(windows) if end >= readings[start].at]
    first = {place: next((d.at for d in found if d.window == place), None) for place in counted}
    hits = [at for at in first.values() if at is not None]
    outside = sum(detection.window is None for detection in found)
    weeks = (readings[-1].at - readings[start].at).total_seconds() / (7 * 86_400)
    return Assessment(
        detections=tuple(found),
        precision=(len(found) - outside) / len(found) if found else None,
        recall=len(hits) / len(counted) if counted else None,
        delay=fmean((at - windows[place][0]).total_seconds() for place, at in first.items() if at) if hits else None,
        nab=nab_score(len(readings), _places(readings, windows), [detection.place for detection in found]),
        false_per_week=outside / weeks if weeks else 0.0,
    )


def _window_of(at: datetime, windows: Sequence[Window]) -> int | None:
    return next((place for place, (start, end) in enumerate(windows) if start <= at <= end), None)


def _places(readings: Sequence[Reading], windows: Sequence[Window]) -> list[tuple[int, int]]:
    """Return first and last place of the readings in each window; a window without any is left out."""
    found: list[tuple[int, int]] = []
    times = [reading.at for reading in readings]
    for start, end in windows:
        inside = [place for place, at in enumerate(times) if start <= at <= end]
        if inside:
            found.append((inside[0], inside[-1]))
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
