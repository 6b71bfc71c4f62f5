"""The command that names devices on which rules cannot be judged."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app
from iot_service.rules.why import Why


@rules_app.command("unknown")
def rules_unknown(
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    why: Annotated[Why | None, typer.Option(help="Only for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="List so many at the most.")] = 100,
) -> None:
    """List the rules that cannot be judged, by device, with the reason: what fails, is missing or is not finite.

    Example: `iot-service rules unknown --why failed`
    """
    from iot_service.wiring.rules_unknown import unknown_rules

    typer.echo(unknown_rules(settings_of_this_process(), device_id=device, why=why, limit=limit))
