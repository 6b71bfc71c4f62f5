"""Commands that try rules on telemetry of the past."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app

_Recording = Annotated[
    Path | None, typer.Option(help="Take the telemetry from this file: CSV, NDJSON or Parquet, as `import` takes it.")
]
_Mapping = Annotated[
    str | None, typer.Option(help="YAML file that maps the columns of the recording, or a shipped one, as in `replay`.")
]
_From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Date or time of the beginning, local to the device; without: 28 days, or all of a file."
    ),
]
_To = Annotated[
    str | None, typer.Option("--to", help="Date (its end) or time of the end; without: now, or a file's end.")
]
_Set = Annotated[
    list[str] | None, typer.Option("--set", help="NAME=NUMBER: a parameter in the place of the device's own.")
]
_Zone = Annotated[str | None, typer.Option(help="Time zone to show times in; without: that of the device's place.")]
_Commissioning = Annotated[bool, typer.Option(help="The recording begins before the device was in service.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@rules_app.command("backtest")
def rules_backtest(
    rule: Annotated[
        list[str] | None, typer.Argument(help="PRODUCT/RULE, or the id of a rule; several if you like, none for all.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Id of the device.")] = None,
    recording: _Recording = None,
    mapping: _Mapping = None,
    since: _From = None,
    until: _To = None,
    rules: Annotated[
        list[Path] | None, typer.Option(help="Rule files or folders that are read on top of the rules in use.")
    ] = None,
    parameters: _Set = None,
    zone: _Zone = None,
    commissioning: _Commissioning = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with the curves and the needs on them.")] = None,
    as_json: _Json = False,
) -> None:
    """Show the needs that rules would have opened on telemetry of the past: how often, for how long, and why.

    Example: `iot-service rules backtest freezer/temperature_high --device freezer-1 --from 2026-01-01 --to 2026-03-31`
    """
    from iot_service.wiring.backtest_asked import Asked
    from iot_service.wiring.backtests import backtest_command

    asked = Asked([device] if device else [], recording, mapping, since, until, parameters or [], zone, commissioning)
    settings = settings_of_this_process()
    typer.echo(backtest_command(settings, rule or [], rules or [], asked, html=html, as_json=as_json))


@rules_app.command("diff")
def rules_diff(
    old: Annotated[str, typer.Argument(help="Rule file or folder; 'current' stands for the rules in use.")],
    new: Annotated[str, typer.Argument(help="The same, as it shall be.")],
    device: Annotated[list[str] | None, typer.Option(help="Id of a device; may be given several times.")] = None,
    recording: _Recording = None,
    mapping: _Mapping = None,
    since: _From = None,
    until: _To = None,
    parameters: _Set = None,
    zone: _Zone = None,
    commissioning: _Commissioning = False,
    as_json: _Json = False,
) -> None:
    """Show what new rules change before anybody is woken: needs that only one version opens, and those that move.

    Example: `iot-service rules diff current new.rules.yaml --device freezer-1 --from 2026-01-01`
    """
    from iot_service.wiring.backtest_asked import Asked
    from iot_service.wiring.backtests import diff_command

    asked = Asked(device or [], recording, mapping, since, until, parameters or [], zone, commissioning)
    typer.echo(diff_command(settings_of_this_process(), old, new, asked, as_json=as_json))
