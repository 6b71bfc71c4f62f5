"""`rules forecast`: how well the forecast would have done on a recording of uses."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from math import inf
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iot_service.errors import StopError
from iot_service.forecast.backtest import NAIVE_SPANS, Backtest, backtest, default_start
from iot_service.forecast.consumption_model import ConsumptionModel
from iot_service.forecast.ranges import Range


def forecast_file(
    path: Path, *, stock: int, column: str, zone: str | None, first: date | None, last: date | None, as_json: bool
) -> str:
    """Return the table, or one JSON object, of the forecasts for each midnight of the recording in ``path``.

    The file is CSV with one row a use and its time (ISO 8601) in ``column``. Times are those of the recording's place:
    as written, or, where they have an offset and ``zone`` is given, in that zone. Raises StopError where that cannot be
    done.
    """
    uses = _read(path, column, _zone(zone))
    first_day, last_day = uses[0].date(), uses[-1].date()
    result = backtest(
        uses,
        stock=stock,
        first_day=max(first or default_start(first_day, last_day), first_day + timedelta(days=1)),
        last_day=min(last or last_day, last_day),
    )
    if result is None:
        raise StopError(f"{path}: no stock of {stock} is used up between the first forecast and the end")
    coming = _coming(uses, stock)
    if as_json:
        return json.dumps(_figures(path, stock, uses, result, coming))
    return _table(path, stock, uses, result, coming)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise StopError(f"there is no time zone '{name}'; a right one is Europe/Oslo") from error


def _read(path: Path, column: str, zone: ZoneInfo | None) -> list[datetime]:
    """Return the local times of all uses, without zone and in order."""
    uses = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if column not in (rows.fieldnames or ()):
                raise StopError(f"{path} has no column '{column}'; it has {', '.join(rows.fieldnames or ['none'])}")
            for row in rows:
                try:
                    at = datetime.fromisoformat((row[column] or "").strip())
                except ValueError:
                    raise StopError(
                        f"{path}, line {rows.line_num}: '{row[column]}' is not a time such as 2024-03-01T10:15:00"
                    ) from None
                uses.append((at.astimezone(zone) if zone and at.tzinfo else at).replace(tzinfo=None))
    except OSError as error:
        raise StopError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StopError(f"{path} is not UTF-8 text") from error
    if not uses:
        raise StopError(f"{path} has no uses")
    return sorted(uses)


def _coming(uses: list[datetime], stock: int) -> Range:
    """Return the forecast at the midnight after the recording."""
    model = ConsumptionModel(UTC)
    model.update((use.replace(tzinfo=UTC), 1.0) for use in uses)
    tomorrow = datetime(uses[-1].year, uses[-1].month, uses[-1].day, tzinfo=UTC) + timedelta(days=1)
    coming = model.days_until_used_up(stock, tomorrow)
    assert coming is not None, "one day is complete"
    return coming


def _figures(path: Path, stock: int, uses: list[datetime], result: Backtest, coming: Range) -> dict[str, object]:
    return {
        "file": path.name,
        "uses": len(uses),
        "stock": stock,
        "first_forecast": result.judged[0].day.isoformat(),
        "last_forecast": result.judged[-1].day.isoformat(),
        "forecasts": len(result.judged),
        "mae_days": round(result.mae_days, 3),
        "coverage": round(result.coverage, 4),
        "used_up_before_p10": round(result.early, 4),
        "mean_width_days": round(result.width_days, 3),
        **{f"naive_{span}_mae_days": round(result.naive_mae_days(i), 3) for i, span in enumerate(NAIVE_SPANS)},
        "next": {name: _finite(days) for name, days in zip(("p10", "p50", "p90"), _days(coming), strict=True)},
    }


def _days(coming: Range) -> tuple[float, float, float]:
    return coming.p10, coming.p50, coming.p90


def _finite(days: float) -> float | None:
    return None if days == inf else round(days, 3)


def _table(path: Path, stock: int, uses: list[datetime], result: Backtest, coming: Range) -> str:
    judged = result.judged
    rows = [("forecast", result.mae_days, f"{result.coverage:.1%}")]
    rows += [(f"mean of the last {span} days", result.naive_mae_days(i), "-") for i, span in enumerate(NAIVE_SPANS)]
    low, middle, high = ("more than five years" if days == inf else f"{days:.1f}" for days in _days(coming))
    return "\n".join(
        [
            f"{path.name}: {len(uses)} uses from {uses[0]:%Y-%m-%d} to {uses[-1]:%Y-%m-%d}, local time",
            f"{len(judged)} forecasts of the days until {stock} are used, each midnight from {judged[0].day} "
            f"to {judged[-1].day} (those that the recording decides)",
            "",
            f"{'':26} {'mean absolute error':>20} {'P10 to P90 held':>16}",
            *(f"{name:26} {error:>15.2f} days {held:>16}" for name, error, held in rows),
            "",
            f"at the end of the recording: {stock} last {middle} days (P10 {low}, P90 {high})",
        ]
    )
