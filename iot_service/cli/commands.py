"""Commands that tell devices what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

command_app = typer.Typer(no_args_is_help=True, help="Tell devices what to do, and see what became of it.")
app.add_typer(command_app, name="command")

CommandArgument = Annotated[int, typer.Argument(help="Id of the command.")]


@command_app.command("send")
def command_send(
    device: Annotated[str, typer.Argument(help="Id of the device.")],
    name: Annotated[str, typer.Argument(help="What it shall do: a command of its product model.")],
    arg: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, for example setpoint=-80.")] = None,
    timeout: Annotated[str | None, typer.Option(help="How long each attempt waits for the answer, like 30s.")] = None,
    retries: Annotated[int | None, typer.Option(help="How often it is repeated.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer; exit code 1 unless it is yes.")] = False,
) -> None:
    """Tell a device to do something.

    Example: `iot-service command send freezer-9 set_setpoint --arg setpoint=-80 --wait`
    """
    from iot_service.wiring.device_commands import send_command

    result = send_command(
        settings_of_this_process(), device, name, arg or [], timeout=timeout, retries=retries, wait=wait
    )
    typer.echo(result.text)
    raise typer.Exit(0 if result.well else 1)


@command_app.command("list")
def command_list(device: Annotated[str, typer.Argument(help="Id of the device.")]) -> None:
    """List the newest commands of a device.

    Example: `iot-service command list freezer-9`
    """
    from iot_service.wiring.device_commands import list_commands

    typer.echo(list_commands(settings_of_this_process(), device))


@command_app.command("show")
def command_show(command: CommandArgument) -> None:
    """Show one command with its arguments and the device's answer.

    Example: `iot-service command show 17`
    """
    from iot_service.wiring.device_commands import show_command

    typer.echo(show_command(settings_of_this_process(), command))


@command_app.command("cancel")
def command_cancel(
    command: CommandArgument,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Call a command off; one that was sent already may still be carried out.

    Example: `iot-service command cancel 17 --reason "wrong freezer"`
    """
    from iot_service.wiring.device_commands import cancel_command

    typer.echo(cancel_command(settings_of_this_process(), command, reason))
