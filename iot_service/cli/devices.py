"""Commands about devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

device_app = typer.Typer(no_args_is_help=True, help="Register devices and look at them.")
app.add_typer(device_app, name="device")
DeviceArgument = Annotated[str, typer.Argument(help="Id of the device.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the log.")]


@device_app.command("add")
def device_add(
    device: Annotated[str, typer.Argument(help="Id, as in its MQTT topics.")],
    product: Annotated[str, typer.Option(help="Product model, for example freezer.")],
    customer: Annotated[str, typer.Option(help="Id of the customer.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where it stands.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it; without it the id.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER, for example setpoint=-70.")] = None,
    secret: Annotated[bool, typer.Option(help="Issue a secret, shown once; not needed with a certificate.")] = True,
) -> None:
    """Register a device, or change it. A new one gets a secret, which is shown once.

    Example: `iot-service device add freezer-9 --product freezer --customer clinic --parameter setpoint=-80`
    """
    from iot_service.wiring.devices import add_device_command

    settings = settings_of_this_process()
    typer.echo(
        add_device_command(settings, device, product, customer, site, name or device, parameter or [], secret=secret)
    )


@device_app.command("list")
def device_list(
    customer: Annotated[str | None, typer.Option(help="Only those of this customer.")] = None,
    product: Annotated[str | None, typer.Option(help="Only those of this product model.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this service state.")] = None,
    disabled: Annotated[bool | None, typer.Option(help="Only those that are disabled, or not.")] = None,
    after: Annotated[str | None, typer.Option(help="Only those whose ids come after this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most devices to show.")] = 200,
) -> None:
    """List devices with their service state and when each was last heard of.

    Example: `iot-service device list --product freezer --disabled`
    """
    from iot_service.wiring.devices import list_devices_command

    typer.echo(
        list_devices_command(
            settings_of_this_process(), customer=customer, product=product, state=state, disabled=disabled,
            after=after, limit=limit,
        )
    )  # fmt: skip


@device_app.command("show")
def device_show(device: DeviceArgument) -> None:
    """Show what the registry knows of a device.

    Example: `iot-service device show freezer-1`
    """
    from iot_service.wiring.devices import show_device_command

    typer.echo(show_device_command(settings_of_this_process(), device))


@device_app.command("state")
def device_state(
    device: DeviceArgument,
    state: Annotated[str, typer.Argument(help="in_service, out_of_service or retired.")],
    reason: ReasonOption,
) -> None:
    """Take a device out of service, or put it back.

    Example: `iot-service device state freezer-1 out_of_service --reason "defrosting"`
    """
    from iot_service.wiring.devices import device_state_command

    typer.echo(device_state_command(settings_of_this_process(), device, state, reason))


@device_app.command("disable")
def device_disable(device: DeviceArgument, reason: ReasonOption) -> None:
    """Refuse a device from now on, end its connection, and take it out of service.

    Example: `iot-service device disable freezer-1 --reason "stolen"`
    """
    from iot_service.wiring.devices import disable_device_command

    typer.echo(disable_device_command(settings_of_this_process(), device, reason))


@device_app.command("enable")
def device_enable(device: DeviceArgument, reason: ReasonOption) -> None:
    """Let a disabled device in again.

    Example: `iot-service device enable freezer-1 --reason "found"`
    """
    from iot_service.wiring.devices import enable_device_command

    typer.echo(enable_device_command(settings_of_this_process(), device, reason))


@device_app.command("rotate")
def device_rotate(device: DeviceArgument, reason: ReasonOption = "a new secret was asked for") -> None:
    """Give a device a new secret, shown once; the one before ends.

    Example: `iot-service device rotate freezer-1`
    """
    from iot_service.wiring.devices import rotate_device_command

    typer.echo(rotate_device_command(settings_of_this_process(), device, reason))


@device_app.command("move")
def device_move(
    device: DeviceArgument,
    reason: ReasonOption,
    customer: Annotated[str | None, typer.Option(help="Id of the new customer; without it the same.")] = None,
    site: Annotated[str | None, typer.Option(help="Id of the site where it stands now; without it none.")] = None,
) -> None:
    """Give a device to another customer, or to another site.

    Example: `iot-service device move freezer-1 --customer clinic --site clinic-oslo --reason "sold"`
    """
    from iot_service.wiring.devices import move_device_command

    typer.echo(move_device_command(settings_of_this_process(), device, customer, site, reason))


@device_app.command("alias")
def device_alias(
    device: DeviceArgument,
    alias: Annotated[str, typer.Argument(help="What it is called in topics and payloads that are not ours.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the name back.")] = False,
    reason: ReasonOption = "said on the command line",
) -> None:
    """Let another name stand for a device; `device show` lists them.

    Example: `iot-service device alias freezer-1 shellyplus1-a8032ab`
    """
    from iot_service.wiring.devices import alias_command

    typer.echo(alias_command(settings_of_this_process(), device, alias, remove=remove, reason=reason))


@device_app.command("serviced")
def device_serviced(
    device: DeviceArgument,
    service: Annotated[str, typer.Argument(help="The service, one that the product has a plan for.")],
    at: Annotated[
        str | None, typer.Option(help="When it was done: a day, or a time with its zone; without it now.")
    ] = None,
    reading: Annotated[
        list[str] | None, typer.Option(help="COUNTER=NUMBER, what it showed then; without it as it was reported.")
    ] = None,
) -> None:
    """Say that a service was done, so that its plan counts from there.

    Example: `iot-service device serviced car-1 annual_service --at 2026-01-10 --reading odometer=12400`
    """
    from iot_service.wiring.services_done import serviced_command

    typer.echo(serviced_command(settings_of_this_process(), device, service, at, reading or []))


@device_app.command("import-csv")
def device_import_csv(
    file: Annotated[Path, typer.Argument(help="id, product, customer_id, site_id, name, parameter.NAME …")],
    credentials_out: Annotated[
        Path | None, typer.Option(help="New file for the secrets, readable by you only; without it there are none.")
    ] = None,
) -> None:
    """Register the devices of a CSV file, all or none; every mistake is told at once, with its line.

    Example: `iot-service device import-csv fleet.csv --credentials-out secrets.csv`
    """
    from iot_service.wiring.devices import import_csv_command

    typer.echo(import_csv_command(settings_of_this_process(), file, credentials_out))
