"""`rules forecast`: what a person sees, and what a program reads."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from iot_service.errors import StopError
from iot_service.wiring.forecasts import forecast_file
from tests.forecast.series import uses


def written(folder: Path, times: list[str], header: str = "time,drink") -> Path:
    path = folder / "uses.csv"
    path.write_text("\n".join([header, *(f"{time},Latte" for time in times)]), encoding="utf-8")
    return path


def shown(path: Path, *, stock: int = 60, column: str = "time", zone: str | None = None, as_json: bool = False) -> str:
    return forecast_file(path, stock=stock, column=column, zone=zone, first=None, last=None, as_json=as_json)


TIMES = uses(lambda *_: 9, days=120, seed=1)


def test_the_table_has_the_forecast_and_both_naive_ones(tmp_path: Path) -> None:
    text = shown(written(tmp_path, [time.isoformat() for time in TIMES]))
    lines = text.splitlines()
    assert "mean absolute error" in text
    assert [line.split("  ")[0] for line in lines[4:7]] == [
        "forecast", "mean of the last 7 days", "mean of the last 28 days",
    ]  # fmt: skip
    assert "%" in lines[4]
    assert lines[-1].startswith("at the end of the recording: 60 last ")


def test_the_object_has_the_figures_of_the_table(tmp_path: Path) -> None:
    figures = json.loads(shown(written(tmp_path, [time.isoformat() for time in TIMES]), as_json=True))
    assert figures["uses"] == len(TIMES)
    assert figures["forecasts"] > 50
    assert 0 < figures["mae_days"] < 3
    assert 0.6 <= figures["coverage"] <= 1
    assert figures["naive_7_mae_days"] > 0 < figures["naive_28_mae_days"]
    assert figures["next"]["p10"] <= figures["next"]["p50"] <= figures["next"]["p90"]


def test_the_days_to_forecast_from_can_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, [time.isoformat() for time in TIMES])
    text = forecast_file(
        path, stock=60, column="time", zone=None, first=date(2024, 5, 6), last=date(2024, 5, 8), as_json=True
    )  # fmt: skip
    assert json.loads(text)["forecasts"] == 3


def test_the_rows_may_be_in_any_order_and_the_column_have_another_name(tmp_path: Path) -> None:
    stamps = [time.isoformat(sep=" ") for time in TIMES]
    ordered = shown(written(tmp_path, stamps))
    assert shown(written(tmp_path, stamps[::-1], "when,drink"), column="when") == ordered


def test_times_with_an_offset_are_those_of_the_zone_that_is_given(tmp_path: Path) -> None:
    night = [datetime.fromisoformat("2024-01-01T23:30") + timedelta(days=day // 10) for day in range(900)]
    path = written(tmp_path, [f"{time.isoformat()}Z" for time in night])
    assert "from 2024-01-01" in shown(path)
    assert "from 2024-01-02" in shown(path, zone="Europe/Oslo")


@pytest.mark.parametrize(
    ("times", "header", "problem"),
    [
        (["yesterday"], "time,drink", "line 2: 'yesterday' is not a time such as"),
        (["2024-03-01T10:00:00"], "when,drink", "has no column 'time'; it has when, drink"),
        ([], "time,drink", "has no uses"),
        (["2024-03-01T10:00:00"], "time,drink", "no stock of 60 is used up"),
    ],
)
def test_what_cannot_be_forecast_is_said(tmp_path: Path, times: list[str], header: str, problem: str) -> None:
    with pytest.raises(StopError, match=problem.replace("?", r"\?")):
        shown(written(tmp_path, times, header))


def test_a_file_or_zone_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="cannot be read"):
        shown(tmp_path / "none.csv")
    with pytest.raises(StopError, match="there is no time zone 'Mars'"):
        shown(written(tmp_path, ["2024-03-01T10:00:00"]), zone="Mars")
