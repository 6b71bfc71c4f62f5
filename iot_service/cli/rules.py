"""Commands about rules."""

from __future__ import annotations

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
