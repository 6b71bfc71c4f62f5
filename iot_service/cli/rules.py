"""Commands about rules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import app
from iot_service.config import load_settings

rules_app = typer.Typer(no_args_is_help=True, help="Check and test rule files.")
app.add_typer(rules_app, name="rules")


@rules_app.command("check")
def rules_check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; none checks the shipped ones.")
    ] = None,
) -> None:
    """Check rule files: every error at once, by file and line; exit code 1 if there is any.

    Example: `iot-service rules check`
    """
    from iot_service.wiring.rules import check_rules

    report = check_rules(load_settings(), paths or [])
    typer.echo(report.text)
    raise typer.Exit(0 if report.passed else 1)


@rules_app.command("test")
def rules_test(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule test files or folders; none runs the shipped ones.")
    ] = None,
) -> None:
    """Run rule test files: do the needs open and resolve when they should? Exit code 1 if not.

    Example: `iot-service rules test`
    """
    from iot_service.wiring.rules import test_rules

    report = test_rules(load_settings(), paths or [])
    typer.echo(report.text)
    raise typer.Exit(0 if report.passed else 1)


@rules_app.command("functions")
def rules_functions() -> None:
    """List the functions of `let` as a table (Markdown), with what each gives.

    Example: `iot-service rules functions`
    """
    from iot_service.wiring.rules import show_functions

    typer.echo(show_functions())


@rules_app.command("forecast")
def rules_forecast(
    file: Annotated[Path, typer.Argument(help="CSV with one row a use, and a column with its time (ISO 8601).")],
    stock: Annotated[int, typer.Option(min=1, help="How many uses the stock is good for.")],
    column: Annotated[str, typer.Option(help="The column with the time.")] = "time",
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the place, for times with an offset; without: as written.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Day of the first forecast; without: after two months."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Day of the last one; without: the end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Forecast each midnight of a recording how many days a stock lasts, and compare with what came, and naive means.

    Example: `iot-service rules forecast uses.csv --stock 120`
    """
    from iot_service.wiring.forecasts import forecast_file

    typer.echo(
        forecast_file(
            file,
            stock=stock,
            column=column,
            zone=zone,
            first=first.date() if first else None,
            last=last.date() if last else None,
            as_json=as_json,
        )
    )
