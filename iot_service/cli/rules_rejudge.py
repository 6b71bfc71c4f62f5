"""The command that judges a device's past again."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app


@rules_app.command("rejudge")
def rules_rejudge(
    device: Annotated[str, typer.Option(help="Id of the device.")],
    rule: Annotated[
        list[str] | None, typer.Argument(help="PRODUCT/RULE, or the id of a rule; several if you like, none for all.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Date or time of the beginning, local to the device; without: 28 days.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Date (its end) or time of the end; without: now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge what is stored of a device again, late readings too, and show which needs would differ; changes nothing.

    Example: `iot-service rules rejudge --device freezer-1 --from 2026-01-01`
    """
    from iot_service.wiring.backtest_asked import Asked
    from iot_service.wiring.rejudging import rejudge_command

    asked = Asked([device], since=since, until=until)
    typer.echo(rejudge_command(settings_of_this_process(), rule or [], asked, as_json=as_json))
