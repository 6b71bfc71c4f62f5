"""Commands about rollups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

rollups_app = typer.Typer(no_args_is_help=True, help="Minutes, hours and days of readings.")
app.add_typer(rollups_app, name="rollups")


@rollups_app.callback()
def _rollups() -> None:
    """Keep the name of the command: a group of one would take its place."""


@rollups_app.command("rebuild")
def rebuild(
    since: Annotated[datetime, typer.Option(help="From when, UTC.")],
    until: Annotated[datetime, typer.Option(help="Up to when, UTC.")],
    device: Annotated[list[str] | None, typer.Option(help="Only this device; may be given several times.")] = None,
) -> None:
    """Compute rollups anew from the stored readings, for whoever changed readings by hand.

    Example: `iot-service rollups rebuild --since 2026-01-01 --until 2026-02-01 --device freezer-1`
    """
    from iot_service.wiring.history import rebuild_command

    begin, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    typer.echo(rebuild_command(settings_of_this_process(), begin, end, device or [], typer.echo))
