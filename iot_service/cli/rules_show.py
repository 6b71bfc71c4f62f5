"""The command that shows a rule: as it is in force, as it was, or as it is judged for one device."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app


@rules_app.command("show")
def rules_show(
    rule: Annotated[str, typer.Argument(help="Which rule, as PRODUCT/RULE.")],
    version: Annotated[int | None, typer.Option(min=1, help="Which version; without: what is in force.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Id of a device: as it is judged for that one, with every override.")
    ] = None,
) -> None:
    """Show a rule as it is in force, as it was, or as it is judged for a device; templates are filled in.

    Example: `iot-service rules show freezer/temperature_high --device freezer-1`
    """
    from iot_service.wiring.rule_overrides import show_command

    typer.echo(show_command(settings_of_this_process(), rule, version, device))
