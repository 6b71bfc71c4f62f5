"""Commands about operators and tokens: who may act."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

operator_app = typer.Typer(no_args_is_help=True, help="Operators, who watch over the service in the console.")
app.add_typer(operator_app, name="operator")
token_app = typer.Typer(no_args_is_help=True, help="API tokens for programs.")
app.add_typer(token_app, name="token")


@operator_app.command("add")
def operator_add(
    email: Annotated[str, typer.Argument(help="E-mail address to log in with.")],
    name: Annotated[str, typer.Option(help="Name that others see.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="At least 12 characters; asked for."),
    ],
) -> None:
    """Add an operator; the password is asked for, unless given.

    Example: `iot-service operator add kim@example.com --name "Kim Dahl"`
    """
    from iot_service.wiring.commands import add_operator_command

    typer.echo(add_operator_command(settings_of_this_process(), email, name, password))


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[str, typer.Option(help="operator or integration.")] = "integration",
    expires: Annotated[datetime | None, typer.Option(help="When it ends (UTC); without it never.")] = None,
) -> None:
    """Create an API token; it is shown once.

    Example: `iot-service token create erp --role integration`
    """
    from iot_service.wiring.commands import create_token_command

    typer.echo(create_token_command(settings_of_this_process(), name, role, expires))
