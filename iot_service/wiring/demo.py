"""`demo`: everything on this machine, with simulated devices and technicians, and a view of what happens."""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.live import Live

from iot_service import clock, logs
from iot_service.api.operators import add_operator
from iot_service.config import Settings
from iot_service.customers.workshops import list_technicians
from iot_service.db import Database
from iot_service.db.health import health
from iot_service.errors import StopError
from iot_service.live.model import LiveModel, plain_lines
from iot_service.live.render import render
from iot_service.live.store import Cursor, begin, poll, summary
from iot_service.live.vocabulary import vocabulary
from iot_service.processes import stop_event
from iot_service.products.catalog import Catalog
from iot_service.wiring.commands import load_into
from iot_service.wiring.installation import announced, engines, open_catalog, open_database, public_url, take_port
from iot_service.wiring.serve import process_tree
from simulators.people import Technicians
from simulators.publish import simulate
from simulators.scenarios import find_scenario

OPERATOR = "demo@example.com"
CAST = {
    "freezer-1": "freezer_compressor_fails",
    "freezer-2": "freezer_door_left_open",
    "freezer-3": "sensor_goes_silent",
    "freezer-4": "sends_rubbish",
    "car-1": "car_service_due_in_winter",
    "car-2": "car_battery_weak",
    "coffee-1": "coffee_capsules_low",
    "coffee-2": "coffee_normal",
}
"""Which device of the demo's fleet goes through which scenario."""

_CATCH_UP = 4.0
"""Devices begin in the past and live so much faster than the clock, until the clock has caught up with them."""

_FRAMES_PER_SECOND = 4
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asked for: ``seconds`` of life until the end (None: until Ctrl-C), ``keep`` a folder."""

    speed: float = 60.0
    seconds: float | None = None
    json: bool = False
    keep: Path | None = None
    seed: int = 1


def run_demo(settings: Settings, options: DemoOptions) -> int:
    """Run the demo to its end, and return the exit code. Raises StopError when a port or an engine is in the way."""
    stop = stop_event()
    started = time.monotonic()
    with ExitStack() as stack:
        settings = _demo_settings(settings, options, stack.enter_context(_folder(options.keep)))
        logs.configure(level="ERROR")
        clock.run(anchor=settings.clock_anchor or clock.now(), speed=settings.clock_speed)
        say = Console(stderr=options.json)
        say.print("starting the database and the broker …", style="dim")
        complete = stack.enter_context(engines(settings, throw_away=options.keep is None))
        stack.enter_context(announced(complete))
        catalog = open_catalog(complete)
        database = stack.enter_context(open_database(complete))
        password = _prepare(database, catalog)
        tree = process_tree(complete, log_file=complete.data_dir / "service.log")
        stack.callback(tree.stop)
        tree.start()
        say.print(f"console: {public_url(complete)}/console   login: {OPERATOR}   password: {password}", soft_wrap=True)
        url = public_url(complete)
        login = f"{OPERATOR} {password}"
        model = LiveModel(vocabulary(catalog), url=f"{url}/console", speed=options.speed, login=login)
        with database.transaction() as connection:
            cursor = begin(connection)
        _wait_until_listening(database, stop)
        _start_world(complete, database, options.seed, stop)
        deadline = started + options.seconds if options.seconds else None
        threading.Thread(target=tree.watch, args=(stop,), daemon=True).start()
        _watch(database, model, stop, started=started, deadline=deadline, json_only=options.json, cursor=cursor)
        stop.set()
        tree.stop()  # what was under way is finished first, so that the summary is what the tables say
        with database.transaction() as connection:
            found = summary(connection, seconds_to_first_need=model.seconds_to_first_need, url=url)
    if options.json:
        print(json.dumps(found), flush=True)
    else:
        Console().print(f"the demo has ended: {json.dumps(found)}", style="dim", soft_wrap=True)
    return 0


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="iot-service-demo-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as another user in a folder of its own below
        yield Path(folder)


def _demo_settings(settings: Settings, options: DemoOptions, folder: Path) -> Settings:
    changed = {
        "data_dir": folder,
        "clock_anchor": clock.now(),
        "clock_speed": options.speed,
        "fulfilment": "simulated",
        "log_level": "WARNING",
        "answer_within": timedelta(minutes=10),  # of a clock that runs fast, and people still have to read
        # Engines and gateways that are set belong to real people: a demo has its own.
        "database_url": None,
        "mqtt_url": None,
        "broker_auth": False,  # the simulated devices are everybody
        "broker_files_dir": None,
        "sms_url": None,
        "smtp_url": None,
    }
    return take_port(settings.model_copy(update=changed))


def _prepare(database: Database, catalog: Catalog) -> str:
    """Load the fleet, and give the operator a new password, which is returned."""
    password = secrets.token_urlsafe(9)
    fleet = resources.files("simulators") / "demo.yaml"
    with resources.as_file(fleet) as path, database.transaction() as connection:
        load_into(connection, path, catalog)
        add_operator(connection, OPERATOR, "Demo operator", password, clock.now())
    return password


def _wait_until_listening(database: Database, stop: threading.Event) -> None:
    """Wait until ingest has subscribed: what is published before that, the broker keeps for nobody.

    Raises StopError when that takes more than half a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with database.transaction() as connection:
            if health(connection, now=clock.now()).ingest_lag_seconds is not None:
                return
        if stop.wait(0.1):
            return
    raise StopError("ingest did not come up in time: look at service.log in the folder that --data names")


def _start_world(settings: Settings, database: Database, seed: int, stop: threading.Event) -> None:
    """Start the simulated devices and technicians, in threads that end with ``stop``."""
    with database.transaction() as connection:
        technicians = list_technicians(connection, after=None, limit=1000)
    numbers = frozenset(str(technician["phone"]) for technician in technicians if technician["phone"])
    people = Technicians(settings.data_dir / "outbox", numbers)
    threading.Thread(target=people.run, args=(stop,), name="technicians", daemon=True).start()
    scenarios = [find_scenario(name) for name in CAST.values()]
    assert settings.mqtt_url is not None
    devices = threading.Thread(
        target=simulate,
        args=(scenarios, list(CAST)),
        kwargs={"url": settings.mqtt_url, "seed": seed, "speed": _CATCH_UP, "stop": stop},
        name="devices",
        daemon=True,
    )
    devices.start()


def _watch(
    database: Database,
    model: LiveModel,
    stop: threading.Event,
    *,
    started: float,
    deadline: float | None,
    json_only: bool,
    cursor: Cursor,
) -> None:
    """Show what happens until ``stop`` or ``deadline`` (monotonic seconds)."""
    console = Console(stderr=json_only)
    show: Callable[[list[str]], None]
    with ExitStack() as stack:
        if console.is_terminal and not json_only:
            live = stack.enter_context(Live(console=console, screen=True, auto_refresh=False))

            def show(_lines: list[str]) -> None:
                width, height = console.size
                view = render(
                    model,
                    now=clock.now(),
                    elapsed=time.monotonic() - started,
                    width=width,
                    height=height,
                    ascii_only=not console.encoding.lower().startswith("utf"),
                )
                live.update(view, refresh=True)
        else:

            def show(lines: list[str]) -> None:
                for line in lines:
                    print(line, file=sys.stderr if json_only else sys.stdout, flush=True)

        while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
            cursor = _step(database, model, cursor, started, show)
            stop.wait(1 / _FRAMES_PER_SECOND)


def _step(
    database: Database, model: LiveModel, cursor: Cursor, started: float, show: Callable[[list[str]], None]
) -> Cursor:
    with database.transaction() as connection:
        found = poll(connection, cursor=cursor, headlines=model.words.headlines)
    show(plain_lines(model.apply(found, elapsed=time.monotonic() - started)))
    return found.cursor
