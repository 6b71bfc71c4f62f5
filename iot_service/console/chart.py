"""The options of a chart: a metric's curve with the needs of the device marked on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from iot_service.console.curve import line
from iot_service.console.store import Curve, Row
from iot_service.console.words import Words

_INK, _FAINT, _CURVE = "#7c8896", "rgba(125, 136, 150, 0.22)", "#3b82d6"
_BANDS = {"critical": "#e0314b", "high": "#e07b1a", "normal": "#c9a227", "low": "#2f9e9e"}


def chart_options(
    curve: Curve, needs: Sequence[Row], words: Words, *, unit: str, longest_gap: timedelta | None
) -> dict[str, Any]:
    """Return ECharts options; times are in the browser's zone, needs are bands from opening to closing.

    Colours suit light and dark. Nothing in it is code or markup, so no text can become either.
    """
    points = line(curve.steps, longest_gap=longest_gap)
    switch = bool(points) and all(value in {0.0, 1.0, None} for _, value in points)
    return {
        "animation": False,
        "textStyle": {"fontFamily": "inherit"},
        "grid": {"left": 8, "right": 16, "top": 34, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "axisPointer": {"type": "line"}},
        "xAxis": {
            "type": "time",
            "min": _milliseconds(curve.since.timestamp()),
            "max": _milliseconds(curve.until.timestamp()),
            "axisLine": {"lineStyle": {"color": _FAINT}},
            "axisLabel": {"color": _INK, "hideOverlap": True},
        },
        "yAxis": {
            "type": "value",
            "scale": not switch,
            "minInterval": 1 if switch else 0,
            "name": unit,
            "nameTextStyle": {"color": _INK, "align": "right"},
            "axisLabel": {"color": _INK},
            "splitLine": {"lineStyle": {"color": _FAINT}},
        },
        "series": [
            {
                "type": "line",
                "name": unit or "value",
                "step": "end" if switch else False,
                "symbol": "none",
                "connectNulls": False,
                "lineStyle": {"width": 1.6, "color": _CURVE},
                "itemStyle": {"color": _CURVE},
                "data": _data(points),
                "markArea": {"silent": True, "data": [_band(need, words, curve) for need in needs]},
            }
        ],
    }


def _data(points: list[tuple[float, float | None]]) -> list[dict[str, Any]]:
    """Give each point to draw; one that stands alone between gaps gets a dot, or it would not be seen."""
    data: list[dict[str, Any]] = []
    for index, (at, value) in enumerate(points):
        before = points[index - 1][1] if index else None
        after = points[index + 1][1] if index + 1 < len(points) else None
        item: dict[str, Any] = {"value": [_milliseconds(at), value if value is None else round(value, 4)]}
        if value is not None and before is None and after is None:
            item |= {"symbol": "circle", "symbolSize": 5}
        data.append(item)
    return data


def _band(need: Row, words: Words, curve: Curve) -> list[dict[str, Any]]:
    colour = _BANDS[need["severity"]]
    opened, closed = max(need["opened_at"], curve.since), min(need["closed_at"] or curve.until, curve.until)
    late = opened > curve.since + (curve.until - curve.since) * 0.7  # there the label would run out of the chart
    least = (curve.until - curve.since) / 300  # a short need is still seen
    return [
        {
            "name": words.need(need["product"], need["rule"], need["evidence"]),
            "xAxis": _milliseconds(opened.timestamp()),
            "itemStyle": {"color": colour, "opacity": 0.16},
            "label": {
                "color": colour,
                "fontSize": 11,
                "distance": 4,
                "position": "insideTopRight" if late else "insideTopLeft",
            },
        },
        {"xAxis": _milliseconds(max(closed, opened + least).timestamp())},
    ]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000)
