"""The commands. Each reads its settings, and calls one function of the wiring; there is no logic here.

Imports stand inside the commands, so that each loads only what it runs and `--help` answers at once.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from iot_service.config import Settings, load_settings

app = typer.Typer(
    name="iot-service",
    help="Serves the customers of connected products before they ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
rules_app = typer.Typer(no_args_is_help=True, help="Check and test rule files.")
device_app = typer.Typer(no_args_is_help=True, help="Register devices and look at them.")
operator_app = typer.Typer(no_args_is_help=True, help="Operators, who watch over the service in the console.")
token_app = typer.Typer(no_args_is_help=True, help="API tokens for programs.")
app.add_typer(rules_app, name="rules")
app.add_typer(device_app, name="device")
app.add_typer(operator_app, name="operator")
app.add_typer(token_app, name="token")

PortOption = Annotated[int | None, typer.Option(help="Port of the API and the console; 0 takes a free one.")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on.")]


def _settings(**overrides: object) -> Settings:
    from iot_service.wiring.installation import set_up

    settings = load_settings(**{name: value for name, value in overrides.items() if value is not None})
    set_up(settings)
    return settings


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
    raise typer.Exit(run_demo(load_settings(**_given(host=host, port=port)), options))


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


@app.command()
def serve(host: HostOption = None, port: PortOption = None) -> None:
    """The whole service in one process tree; engines that are not set are brought along.

    Example: `iot-service serve --port 8080`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.serve import serve as run

    raise typer.Exit(run(_settings(host=host, port=port), stop_event()))


@app.command()
def ingest() -> None:
    """Only ingest: from the broker into the database. Needs IOT_DATABASE_URL and IOT_MQTT_URL.

    Example: `IOT_MQTT_SLOT=2 IOT_MQTT_SHARE=ingest iot-service ingest`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.ingest import run_ingest

    run_ingest(_settings(), stop_event())


@app.command()
def worker() -> None:
    """Only the worker: rules, engagement, dispatch, orders and messages. Needs IOT_DATABASE_URL.

    Example: `iot-service worker`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.worker import run_worker

    run_worker(_settings(), stop_event())


@app.command()
def api(host: HostOption = None, port: PortOption = None) -> None:
    """Only the API, the pages and the console. Needs IOT_DATABASE_URL.

    Example: `iot-service api --host 0.0.0.0 --port 8000`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.api import run_api

    run_api(_settings(host=host, port=port), stop_event())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema.

    Example: `iot-service migrate`
    """
    from iot_service.wiring.installation import engines

    with engines(_settings(), broker=False):
        typer.echo("the schema is up to date")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="YAML with customers, sites, devices, workshops, technicians …")],
) -> None:
    """Load customers, sites, devices, workshops, technicians and subscriptions; loading twice changes nothing.

    Example: `iot-service load fleet.yaml`
    """
    from iot_service.wiring.commands import load_command

    typer.echo(load_command(_settings(), file))


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation, and what to do; exit code 1 if anything is.

    Example: `iot-service doctor`
    """
    from iot_service.wiring.doctor import examine

    healthy = True
    for finding in examine(_settings()):
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

    typer.echo(replay_command(_settings(), file, device, mapping, speed=speed, shift=shift, stop=stop_event()))


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
    typer.echo(simulate_command(_settings(), scenario, seed=seed, speed=speed, stop=stop_event()))


@rules_app.command("check")
def rules_check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; none checks the shipped ones.")
    ] = None,
) -> None:
    """Check rule files: every error at once, by file and line; exit code 1 if there is any.

    Example: `iot-service rules check`
    """
    from iot_service.wiring.rules import check_rules

    report = check_rules(load_settings(), paths or [])
    typer.echo(report.text)
    raise typer.Exit(0 if report.passed else 1)


@rules_app.command("test")
def rules_test(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule test files or folders; none runs the shipped ones.")
    ] = None,
) -> None:
    """Run rule test files: do the needs open and resolve when they should? Exit code 1 if not.

    Example: `iot-service rules test`
    """
    from iot_service.wiring.rules import test_rules

    report = test_rules(load_settings(), paths or [])
    typer.echo(report.text)
    raise typer.Exit(0 if report.passed else 1)


@device_app.command("add")
def device_add(
    device: Annotated[str, typer.Argument(help="Id, as in its MQTT topics.")],
    product: Annotated[str, typer.Option(help="Product model, for example freezer.")],
    customer: Annotated[str, typer.Option(help="Id of the customer.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where it stands.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it; without it the id.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER, for example setpoint=-70.")] = None,
) -> None:
    """Register a device.

    Example: `iot-service device add freezer-9 --product freezer --customer clinic --parameter setpoint=-80`
    """
    from iot_service.wiring.commands import add_device_command

    typer.echo(add_device_command(_settings(), device, product, customer, site, name or device, parameter or []))


@device_app.command("list")
def device_list() -> None:
    """List the devices with their service state and when each was last heard of.

    Example: `iot-service device list`
    """
    from iot_service.wiring.commands import list_devices_command

    typer.echo(list_devices_command(_settings()))


@device_app.command("state")
def device_state(
    device: Annotated[str, typer.Argument(help="Id of the device.")],
    state: Annotated[str, typer.Argument(help="in_service, out_of_service or retired.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Take a device out of service, or put it back.

    Example: `iot-service device state freezer-1 out_of_service --reason "defrosting"`
    """
    from iot_service.wiring.commands import device_state_command

    typer.echo(device_state_command(_settings(), device, state, reason))


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

    typer.echo(add_operator_command(_settings(), email, name, password))


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

    typer.echo(create_token_command(_settings(), name, role, expires))
