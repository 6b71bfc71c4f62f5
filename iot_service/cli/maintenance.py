"""Commands about planned maintenance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

maintenance_app = typer.Typer(no_args_is_help=True, help="Planned maintenance, during which no need opens.")
app.add_typer(maintenance_app, name="maintenance")
DeviceOption = Annotated[str | None, typer.Option(help="Id of a device.")]
SiteOption = Annotated[str | None, typer.Option(help="Id of a site: all devices there.")]
CustomerOption = Annotated[str | None, typer.Option(help="Id of a customer: all devices of theirs.")]


@maintenance_app.command("plan")
def maintenance_plan(
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
    device: DeviceOption = None,
    site: SiteOption = None,
    customer: CustomerOption = None,
    starts: Annotated[datetime | None, typer.Option(help="When it begins (UTC); without it now.")] = None,
    ends: Annotated[datetime | None, typer.Option(help="When it ends (UTC).")] = None,
    lasts: Annotated[str | None, typer.Option(help="How long it lasts, in place of --ends; for example 2h.")] = None,
) -> None:
    """Plan maintenance of a device, a site or a customer.

    Example: `iot-service maintenance plan --site clinic-1 --lasts 2h --reason "compressor swap"`
    """
    from iot_service.wiring.maintenance import plan_maintenance_command

    settings = settings_of_this_process()
    typer.echo(plan_maintenance_command(settings, device, site, customer, starts, ends, lasts, reason))


@maintenance_app.command("list")
def maintenance_list(
    device: DeviceOption = None,
    site: SiteOption = None,
    customer: CustomerOption = None,
    past: Annotated[bool, typer.Option(help="Also what is over.")] = False,
) -> None:
    """List planned maintenance; that of a device with that of its site and its customer.

    Example: `iot-service maintenance list --device freezer-1`
    """
    from iot_service.wiring.maintenance import list_maintenance_command

    typer.echo(list_maintenance_command(settings_of_this_process(), device, site, customer, past=past))


@maintenance_app.command("end")
def maintenance_end(
    window: Annotated[int, typer.Argument(help="Number of the maintenance, as listed.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")] = "it is done",
) -> None:
    """End maintenance at once, or call it off before it begins.

    Example: `iot-service maintenance end 1 --reason "done early"`
    """
    from iot_service.wiring.maintenance import end_maintenance_command

    typer.echo(end_maintenance_command(settings_of_this_process(), window, reason))
