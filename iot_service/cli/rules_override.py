"""Commands about overrides of rules, and about groups of devices."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app

override_app = typer.Typer(no_args_is_help=True, help="What some devices have otherwise than a rule says.")
rules_app.add_typer(override_app, name="override")
group_app = typer.Typer(no_args_is_help=True, help="Groups of devices that are treated alike.")
rules_app.add_typer(group_app, name="group")

_Of = Annotated[str, typer.Argument(help="PRODUCT/RULE, or PRODUCT for its parameters.")]
_Device = Annotated[str | None, typer.Option(help="Id of the device that it is for.")]
_Customer = Annotated[str | None, typer.Option(help="Id of the customer whose devices it is for.")]
_Group = Annotated[str | None, typer.Option(help="Id of the group of devices that it is for.")]


def _scope(device: str | None, customer: str | None, group: str | None) -> tuple[str, str]:
    """Return the kind and the id of what was named; the whole product model where nothing was."""
    named = [(kind, id_) for kind, id_ in (("device", device), ("customer", customer), ("group", group)) if id_]
    if len(named) > 1:
        raise typer.BadParameter("name one of --device, --customer and --group, or none for the product model")
    return named[0] if named else ("product", "")


@override_app.command("set")
def override_set(
    of: _Of,
    values: Annotated[
        list[str], typer.Option("--set", help="NAME=VALUE, such as for=20m; may be given several times.")
    ],
    reason: Annotated[str, typer.Option(help="Why, in a few words.")],
    device: _Device = None,
    customer: _Customer = None,
    group: _Group = None,
) -> None:
    """Override enabled, severity, for, clear_for, keep_for, absent_for, repeat or levels of a rule, or parameters.

    It takes the place of all that the same device, customer, group or product model has overridden of it before.

    Example: `iot-service rules override set freezer/silent --set absent_for=1h --device freezer-1 --reason "weak net"`
    """
    from iot_service.wiring.rule_overrides import set_override_command

    typer.echo(set_override_command(settings_of_this_process(), of, values, _scope(device, customer, group), reason))


@override_app.command("remove")
def override_remove(
    of: _Of,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    device: _Device = None,
    customer: _Customer = None,
    group: _Group = None,
) -> None:
    """Take back an override.

    Example: `iot-service rules override remove freezer/silent --device freezer-1`
    """
    from iot_service.wiring.rule_overrides import remove_override_command

    typer.echo(remove_override_command(settings_of_this_process(), of, _scope(device, customer, group), reason))


@override_app.command("list")
def override_list(
    product: Annotated[str | None, typer.Argument(help="Of one product model only.")] = None,
) -> None:
    """List all overrides: whose, what, by whom and why.

    Example: `iot-service rules override list`
    """
    from iot_service.wiring.rule_overrides import list_overrides_command

    typer.echo(list_overrides_command(settings_of_this_process(), product))


@group_app.command("put")
def group_put(
    group: Annotated[str, typer.Argument(help="Id of the group.")],
    device: Annotated[list[str] | None, typer.Option(help="Id of a device in it; may be given several times.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it; without: as before, or its id.")] = None,
) -> None:
    """Make a group of exactly these devices, or change one that is there.

    Example: `iot-service rules group put vaccines --device freezer-1 --name "Vaccine freezers"`
    """
    from iot_service.wiring.rule_overrides import put_group_command

    typer.echo(put_group_command(settings_of_this_process(), group, name, device or []))


@group_app.command("list")
def group_list() -> None:
    """List the groups with their devices.

    Example: `iot-service rules group list`
    """
    from iot_service.wiring.rule_overrides import list_groups_command

    typer.echo(list_groups_command(settings_of_this_process()))


@group_app.command("delete")
def group_delete(group: Annotated[str, typer.Argument(help="Id of the group.")]) -> None:
    """Delete a group that overrides nothing.

    Example: `iot-service rules group delete vaccines`
    """
    from iot_service.wiring.rule_overrides import delete_group_command

    typer.echo(delete_group_command(settings_of_this_process(), group))
