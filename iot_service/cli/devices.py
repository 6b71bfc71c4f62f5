"""Commands about devices."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

device_app = typer.Typer(no_args_is_help=True, help="Register devices and look at them.")
app.add_typer(device_app, name="device")


@device_app.command("add")
def device_add(
    device: Annotated[str, typer.Argument(help="Id, as in its MQTT topics.")],
    product: Annotated[str, typer.Option(help="Product model, for example freezer.")],
    customer: Annotated[str, typer.Option(help="Id of the customer.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where it stands.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it; without it the id.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER, for example setpoint=-70.")] = None,
) -> None:
    """Register a device.

    Example: `iot-service device add freezer-9 --product freezer --customer clinic --parameter setpoint=-80`
    """
    from iot_service.wiring.commands import add_device_command

    typer.echo(
        add_device_command(settings_of_this_process(), device, product, customer, site, name or device, parameter or [])
    )


@device_app.command("list")
def device_list() -> None:
    """List the devices with their service state and when each was last heard of.

    Example: `iot-service device list`
    """
    from iot_service.wiring.commands import list_devices_command

    typer.echo(list_devices_command(settings_of_this_process()))


@device_app.command("state")
def device_state(
    device: Annotated[str, typer.Argument(help="Id of the device.")],
    state: Annotated[str, typer.Argument(help="in_service, out_of_service or retired.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Take a device out of service, or put it back.

    Example: `iot-service device state freezer-1 out_of_service --reason "defrosting"`
    """
    from iot_service.wiring.commands import device_state_command

    typer.echo(device_state_command(settings_of_this_process(), device, state, reason))
