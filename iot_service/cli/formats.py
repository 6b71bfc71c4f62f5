"""Commands about the formats that devices speak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import app, given
from iot_service.config import load_settings

formats_app = typer.Typer(no_args_is_help=True, help="Formats that devices speak, and sources that map their own.")
app.add_typer(formats_app, name="formats")
FormatsOption = Annotated[str | None, typer.Option(help="Formats to switch on, with commas; else IOT_FORMATS.")]
SourcesOption = Annotated[Path | None, typer.Option(help="Folder with sources of your own; else IOT_SOURCES_DIR.")]


@formats_app.command("list")
def formats_list(formats: FormatsOption = None, sources: SourcesOption = None) -> None:
    """List the formats that are switched on, with what the broker must grant for them, and those that are not.

    Example: `iot-service formats list`
    """
    from iot_service.wiring.formats import list_formats

    typer.echo(list_formats(load_settings(**given(formats=formats, sources_dir=sources))))


@formats_app.command("try")
def formats_try(
    topic: Annotated[str, typer.Argument(help="The topic of a message.")],
    payload: Annotated[str, typer.Argument(help="Its payload.")],
    product: Annotated[str, typer.Option(help="Product model of the device.")],
    formats: FormatsOption = None,
    sources: SourcesOption = None,
) -> None:
    """Show what would come of a message, without a broker or a database; exit code 1 if something is wrong with it.

    Example: `iot-service formats try iot/v1/x/telemetry '{"values": {"door": 1}}' --product freezer`
    """
    from iot_service.wiring.formats import try_message

    settings = load_settings(**given(formats=formats, sources_dir=sources))
    report = try_message(settings, topic, payload, product=product)
    typer.echo(report.text)
    raise typer.Exit(0 if report.passed else 1)
