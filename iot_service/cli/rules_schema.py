"""The command that prints the JSON Schema of the files that people write."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from iot_service.cli.rules import rules_app


@rules_app.command("schema")
def rules_schema(
    kind: Annotated[
        Literal["rules", "tests", "templates", "product", "services"], typer.Option(help="Which files it is for.")
    ] = "rules",
) -> None:
    """Print the JSON Schema of rule files, or of another kind, with which editors complete and check them.

    Example: `iot-service rules schema --kind rules`
    """
    from iot_service.wiring.rules_schema import schema_text

    typer.echo(schema_text(kind))
