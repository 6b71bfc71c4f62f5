"""`rules anomalies`: how the anomaly detector does on a recording."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from iot_service.anomaly.assessment import Assessment, assess
from iot_service.anomaly.recording import read_series, read_windows


def assess_file(file: Path, labels: Path | None, *, as_json: bool) -> str:
    """Return what the detector finds in the CSV ``file``, and how that compares with ``labels``; JSON where asked for.

    Raises StopError that names what is wrong with a file.
    """
    readings = sorted(read_series(file), key=lambda reading: reading.at)
    windows = read_windows(labels, file, readings) if labels is not None else []
    result = assess(readings, windows)
    return json.dumps(result.to_json()) if as_json else _table(result, labelled=labels is not None)


def _table(result: Assessment, *, labelled: bool) -> str:
    table = Table(box=None, pad_edge=False)
    for name in ("detected", *(("window",) if labelled else ()), "why"):
        table.add_column(name, no_wrap=name != "why")
    for found in result.detections:
        where = ("outside" if found.window is None else f"{found.window + 1}",) if labelled else ()
        table.add_row(found.text, *where, found.explanation)
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(table if result.detections else "nothing was detected")
    lines = [line.rstrip() for line in capture.get().splitlines()]
    if labelled:
        lines += ["", _summary(result)]
    return "\n".join(lines)


def _summary(result: Assessment) -> str:
    parts = [
        f"precision {_share(result.precision)}", f"recall {_share(result.recall)}",
        f"delay {_hours(result.delay)}", f"false detections a week {result.false_per_week:.2f}",
        f"NAB score {'none' if result.nab is None else format(result.nab, '.1f')}",
    ]  # fmt: skip
    return ", ".join(parts)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _hours(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds / 3600:.1f} h"
