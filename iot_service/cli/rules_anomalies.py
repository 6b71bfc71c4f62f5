"""The command that tries the anomaly detector on a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.rules import rules_app


@rules_app.command("anomalies")
def rules_anomalies(
    file: Annotated[Path, typer.Argument(help="CSV with the columns timestamp (ISO 8601) and value.")],
    labels: Annotated[
        Path | None, typer.Option(help="JSON with the windows [start, end] in which it is known to be anomalous.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the anomaly detector over a recording, as it would have come, and compare with labelled windows.

    Example: `iot-service rules anomalies temperature.csv --labels windows.json`
    """
    from iot_service.wiring.anomalies import assess_file

    typer.echo(assess_file(file, labels, as_json=as_json))
