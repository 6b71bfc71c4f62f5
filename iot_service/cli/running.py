"""Commands that run the service, or parts of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iot_service.cli.app import app, given, settings_of_this_process
from iot_service.config import load_settings

PortOption = Annotated[int | None, typer.Option(help="Port of the API and the console; 0 takes a free one.")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on.")]


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=600, help="How much faster than life the clock runs.")] = 60.0,
    for_: Annotated[float | None, typer.Option("--for", min=1, help="End after so many seconds.")] = None,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON that sums up.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Keep the data in this folder and go on from there next time; without it each demo is new."),
    ] = None,
    host: HostOption = None,
    port: PortOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated devices.")] = 1,
) -> None:
    """Everything on this machine, with simulated devices: watch needs being found and served.

    Each demo starts with nothing and leaves nothing behind, unless `--data` names a folder to keep.

    Example: `iot-service demo --for 60 --json`
    """
    from iot_service.wiring.demo import DemoOptions, run_demo

    options = DemoOptions(speed=speed, seconds=for_, json=json, keep=data, seed=seed)
    raise typer.Exit(run_demo(load_settings(**given(host=host, port=port)), options))


@app.command()
def serve(host: HostOption = None, port: PortOption = None) -> None:
    """The whole service in one process tree; engines that are not set are brought along.

    Example: `iot-service serve --port 8080`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.serve import serve as run

    raise typer.Exit(run(settings_of_this_process(host=host, port=port), stop_event()))


@app.command()
def ingest() -> None:
    """Only ingest: from the broker into the database. Needs IOT_DATABASE_URL and IOT_MQTT_URL.

    Example: `IOT_MQTT_SHARE=ingest IOT_LATENESS=500ms iot-service ingest`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.ingest import run_ingest

    run_ingest(settings_of_this_process(), stop_event())


@app.command()
def worker() -> None:
    """Only the worker: rules, engagement, dispatch, orders and messages. Needs IOT_DATABASE_URL.

    Example: `iot-service worker`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.worker import run_worker

    run_worker(settings_of_this_process(), stop_event())


@app.command()
def api(host: HostOption = None, port: PortOption = None) -> None:
    """Only the API, the pages and the console. Needs IOT_DATABASE_URL.

    Example: `iot-service api --host 0.0.0.0 --port 8000`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.api import run_api

    run_api(settings_of_this_process(host=host, port=port), stop_event())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema, and fit how it stores readings to how many there are.

    Example: `iot-service migrate`
    """
    from iot_service.wiring.history import migrate_command

    typer.echo(migrate_command(settings_of_this_process()))


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="YAML with customers, sites, devices, workshops, technicians …")],
) -> None:
    """Load customers, sites, devices, workshops, technicians and subscriptions; loading twice changes nothing.

    Example: `iot-service load fleet.yaml`
    """
    from iot_service.wiring.commands import load_command

    typer.echo(load_command(settings_of_this_process(), file))


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation, and what to do; exit code 1 if anything is.

    Example: `iot-service doctor`
    """
    from iot_service.wiring.doctor import examine

    healthy = True
    for finding in examine(settings_of_this_process()):
        healthy = healthy and finding.ok
        typer.echo(f"{'ok ' if finding.ok else 'NOT'}  {finding.what}: {finding.detail}")
    raise typer.Exit(0 if healthy else 1)


@app.command("settings")
def settings_command() -> None:
    """List every setting with its default and what it is.

    Example: `iot-service settings`
    """
    from iot_service.wiring.commands import settings_table

    typer.echo(settings_table())
