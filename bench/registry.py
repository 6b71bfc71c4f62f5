"""How long it takes to provision a fleet, and to let one more device in beside it; see docs/devices.md.

``python -m bench.registry`` registers 100,000 devices from a CSV with secrets, writes Mosquitto's files, and then adds
single devices, timing each until a real Mosquitto lets it in. ``--json`` ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.servers import fresh_database, servers
from iot_service import logs
from iot_service.db import Database
from iot_service.engines.reload import reload_broker
from iot_service.engines.topic_rights import DEVICE_RIGHTS
from iot_service.products.catalog import load_catalog
from iot_service.registry.csv_import import import_devices
from iot_service.registry.registrations import disable
from iot_service.registry.runner import BrokerFilesRunner
from tests.factories import make_customer
from tests.registry.client import comes_in, device
from tests.servers.mosquitto import MosquittoServer

SAID: dict[str, Any] = {"actor": "bench", "now": datetime.now(UTC)}
_console = Console(stderr=True, highlight=False)


def provision(database: Database, ids: list[str]) -> dict[str, str]:
    """Register freezers from a CSV text, in one transaction; return their secrets by id."""
    text = "id,product,customer_id,name,parameter.setpoint\n" + "".join(
        f"{each},freezer,anna,{each},-80\n" for each in ids
    )
    with database.transaction() as connection:
        return import_devices(connection, text, file="bench.csv", catalog=load_catalog(), **SAID)[1]


def time_one_more(database: Database, runner: BrokerFilesRunner, port: int, times: int) -> list[float]:
    """Return the seconds from the registration of a device until the broker lets it in, ``times`` times."""
    found = []
    for number in range(times):
        time.sleep(2.0)  # each alone, as devices that are added by hand
        began = time.monotonic()
        secret = provision(database, [f"one-more-{number}"])[f"one-more-{number}"]
        runner.run_once()
        if not comes_in(port, f"one-more-{number}", secret):
            raise SystemExit("the broker did not let a new device in")
        found.append(time.monotonic() - began)
    return found


def time_disabling(database: Database, runner: BrokerFilesRunner, port: int, name: str, secret: str) -> float:
    """Return the seconds from disabling a connected device until the broker has ended its connection."""
    time.sleep(2.0)
    with device(port, name, secret) as connected:
        began = time.monotonic()
        with database.transaction() as connection:
            disable(connection, name, reason="bench", **SAID)
        runner.run_once()
        if not connected.gone.wait(10):
            raise SystemExit("the broker did not end the connection of a disabled device")
        return time.monotonic() - began


def measure(database_url: str, number: int) -> dict[str, float]:
    """Return the figures, in seconds."""
    server = MosquittoServer({})
    server.start()
    try:
        with Database(database_url) as database:
            with database.transaction() as connection:
                make_customer(connection)
            pid_file = server.folder / "mosquitto.pid"
            pid_file.write_text(str(server.pid))
            runner = BrokerFilesRunner(
                database,
                server.folder,
                lambda: reload_broker(f"pidfile:{pid_file}"),
                devices=DEVICE_RIGHTS,
                service_password="bench",
            )
            runner.run_once()
            began = time.monotonic()
            secrets = provision(database, [f"device-{each}" for each in range(number)])
            registered = time.monotonic()
            runner.run_once()
            written = time.monotonic()
            name, secret = next(iter(secrets.items()))
            comes_in(server.port, name, secret)
            entered = time.monotonic()
            more = time_one_more(database, runner, server.port, 5)
            out = time_disabling(database, runner, server.port, name, secret)
            size = (server.folder / "passwords").stat().st_size
    finally:
        server.stop()
    return {
        "devices": number,
        "register_s": round(registered - began, 2),
        "files_s": round(written - registered, 2),
        "reload_s": round(entered - written, 2),
        "provision_s": round(entered - began, 2),
        "one_more_s": round(statistics.median(more), 3),
        "one_more_max_s": round(max(more), 3),
        "disabled_s": round(out, 3),
        "file_mb": round(size / 1e6, 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    logs.configure(level="ERROR")
    with fresh_database(servers()["IOT_DATABASE_URL"], "bench_registry") as url:
        found = measure(url, options.devices)
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:,}")
    _console.print(table)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
