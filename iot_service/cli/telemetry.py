"""Commands that publish telemetry as devices do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="The recording, a CSV file.")],
    device: Annotated[str, typer.Option(help="Id of the device that the recording is published as.")],
    mapping: Annotated[str, typer.Option(help="YAML file that maps columns to metrics, or the name of a shipped one.")],
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="How much faster than recorded; without it: at once.")
    ] = None,
    shift: Annotated[bool, typer.Option(help="Shift the times so that the recording ends now.")] = True,
) -> None:
    """Publish a recording over MQTT as a device would, and wait until the broker has acknowledged all of it.

    Example: `iot-service replay trip.csv --device car-1 --mapping car_obd --speed 100`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.telemetry import replay_command

    typer.echo(
        replay_command(settings_of_this_process(), file, device, mapping, speed=speed, shift=shift, stop=stop_event())
    )


@app.command()
def simulate(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="DEVICE=SCENARIO, several if you like; none lists them.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 1,
    speed: Annotated[
        float,
        typer.Option(
            min=1, help="Above 1, devices begin in the past and live so much faster, until they are up to now."
        ),
    ] = 1.0,
) -> None:
    """Publish simulated devices over MQTT until Ctrl-C; without an argument, list the scenarios.

    Example: `iot-service simulate freezer-1=freezer_compressor_fails --speed 100`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.telemetry import scenario_table, simulate_command

    if not scenario:
        typer.echo(scenario_table())
        return
    typer.echo(simulate_command(settings_of_this_process(), scenario, seed=seed, speed=speed, stop=stop_event()))
