"""Commands about gateways and claim keys: who else may bring devices in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

gateway_app = typer.Typer(no_args_is_help=True, help="Gateways, which speak for several devices.")
app.add_typer(gateway_app, name="gateway")
claim_key_app = typer.Typer(no_args_is_help=True, help="Claim keys, by which devices register themselves.")
app.add_typer(claim_key_app, name="claim-key")
GatewayArgument = Annotated[str, typer.Argument(help="Id of the gateway.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the log.")]
WriteOption = Annotated[list[str] | None, typer.Option(help="Topic filter it may publish to; several if you like.")]
ReadOption = Annotated[list[str] | None, typer.Option(help="Topic filter it may listen to; several if you like.")]


@gateway_app.command("add")
def gateway_add(gateway: GatewayArgument, write: WriteOption = None, read: ReadOption = None) -> None:
    """Register a gateway with its topics; its secret is shown once.

    Example: `iot-service gateway add edge-1 --write 'spBv1.0/plant/+/edge-1/#' --read 'spBv1.0/plant/NCMD/edge-1'`
    """
    from iot_service.wiring.gateways import add_gateway_command

    typer.echo(add_gateway_command(settings_of_this_process(), gateway, write or [], read or []))


@gateway_app.command("list")
def gateway_list() -> None:
    """List the gateways with their topics.

    Example: `iot-service gateway list`
    """
    from iot_service.wiring.gateways import list_gateways_command

    typer.echo(list_gateways_command(settings_of_this_process()))


@gateway_app.command("topics")
def gateway_topics(
    gateway: GatewayArgument, reason: ReasonOption, write: WriteOption = None, read: ReadOption = None
) -> None:
    """Give a gateway other topics, instead of those it has.

    Example: `iot-service gateway topics edge-1 --write 'v1/gateway/#' --reason "another product"`
    """
    from iot_service.wiring.gateways import gateway_topics_command

    typer.echo(gateway_topics_command(settings_of_this_process(), gateway, write or [], read or [], reason))


@gateway_app.command("rotate")
def gateway_rotate(gateway: GatewayArgument, reason: ReasonOption = "a new secret was asked for") -> None:
    """Give a gateway a new secret, shown once; the one before ends.

    Example: `iot-service gateway rotate edge-1`
    """
    from iot_service.wiring.gateways import rotate_gateway_command

    typer.echo(rotate_gateway_command(settings_of_this_process(), gateway, reason))


@gateway_app.command("disable")
def gateway_disable(gateway: GatewayArgument, reason: ReasonOption) -> None:
    """Refuse a gateway from now on, and end its connection.

    Example: `iot-service gateway disable edge-1 --reason "replaced"`
    """
    from iot_service.wiring.gateways import switch_gateway_command

    typer.echo(switch_gateway_command(settings_of_this_process(), gateway, reason, enabled=False))


@gateway_app.command("enable")
def gateway_enable(gateway: GatewayArgument, reason: ReasonOption) -> None:
    """Let a disabled gateway in again.

    Example: `iot-service gateway enable edge-1 --reason "back"`
    """
    from iot_service.wiring.gateways import switch_gateway_command

    typer.echo(switch_gateway_command(settings_of_this_process(), gateway, reason, enabled=True))


@claim_key_app.command("create")
def claim_key_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    product: Annotated[str, typer.Option(help="Product model of the devices.")],
    customer: Annotated[str, typer.Option(help="Id of the customer whose they are at first.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where they stand.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="When it ends (UTC); without it never.")] = None,
    max_uses: Annotated[int | None, typer.Option(min=1, help="The most devices that may use it.")] = None,
) -> None:
    """Create a claim key; it is shown once.

    Example: `iot-service claim-key create batch-7 --product freezer --customer clinic --max-uses 500`
    """
    from iot_service.wiring.gateways import create_claim_key_command

    typer.echo(
        create_claim_key_command(settings_of_this_process(), name, product, customer, site, expires, max_uses)
    )  # fmt: skip


@claim_key_app.command("list")
def claim_key_list() -> None:
    """List the claim keys and how often each was used.

    Example: `iot-service claim-key list`
    """
    from iot_service.wiring.gateways import list_claim_keys_command

    typer.echo(list_claim_keys_command(settings_of_this_process()))


@claim_key_app.command("revoke")
def claim_key_revoke(
    key: Annotated[int, typer.Argument(help="Number of the claim key, as listed.")], reason: ReasonOption
) -> None:
    """End a claim key; devices that used it stay.

    Example: `iot-service claim-key revoke 1 --reason "the batch is built"`
    """
    from iot_service.wiring.gateways import revoke_claim_key_command

    typer.echo(revoke_claim_key_command(settings_of_this_process(), key, reason))
