"""How many readings a second `iot-service import` takes in, by format; see docs/import.md.

``python -m bench.import`` makes files of 2 million readings (100 devices, four metrics, one reading a minute, in order
of time), imports each into a TimescaleDB of its own, and prints a table. ``--json`` ends with one line of JSON.
"""

# ruff: noqa: N999  # called like the command that it measures

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from bench.servers import fresh_database, servers

DEVICES = 100
METRICS = ("temperature", "ambient", "door", "power")
_console = Console(stderr=True, highlight=False)


def instants(readings: int) -> Iterator[tuple[int, str, tuple[float, float, int, int]]]:
    """Yield ts (milliseconds since 1970 UTC), device and values, in order of time, up to a day ago."""
    minutes = readings // (DEVICES * len(METRICS))
    begin = int((datetime.now(UTC) - timedelta(days=1, minutes=minutes)).timestamp()) * 1000
    for minute in range(minutes):
        for device in range(DEVICES):
            values = (-70 - (minute + device) % 100 / 10, 20 + minute % 50 / 10, minute % 60 == 0, 1)
            yield begin + minute * 60_000, f"bench-{device}", (values[0], values[1], int(values[2]), values[3])


def make_files(folder: Path, readings: int) -> dict[str, Path]:
    """Write the same readings in each format."""
    files = {
        "ndjson": folder / "all.ndjson", "csv_long": folder / "long.csv", "csv_wide": folder / "wide.csv",
        "parquet": folder / "wide.parquet",
    }  # fmt: skip
    with files["ndjson"].open("w") as stream:
        for ts, device, values in instants(readings):
            named = dict(zip(METRICS, values, strict=True))
            stream.write(json.dumps({"device": device, "ts": ts, "values": named}) + "\n")
    with files["csv_long"].open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["device", "ts", "metric", "value"])
        for ts, device, values in instants(readings):
            at = datetime.fromtimestamp(ts / 1000, UTC).isoformat()
            writer.writerows((device, at, metric, value) for metric, value in zip(METRICS, values, strict=True))
    with files["csv_wide"].open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["device", "ts", *METRICS])
        writer.writerows((device, ts, *values) for ts, device, values in instants(readings))
    write_parquet(files["parquet"], readings)
    return files


def write_parquet(path: Path, readings: int) -> None:
    """Write the readings as a wide table with timestamps."""
    import pyarrow  # noqa: PLC0415  # an extra
    import pyarrow.parquet  # noqa: PLC0415

    rows = list(instants(readings))
    columns = {
        "device": [device for _, device, _ in rows],
        "ts": pyarrow.array([ts for ts, _, _ in rows], pyarrow.timestamp("ms", tz="UTC")),
        **{metric: [float(values[place]) for _, _, values in rows] for place, metric in enumerate(METRICS)},
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=200_000)


def add_devices(url: str) -> None:
    """Register the devices."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO customer (id, name, locale, time_zone, created_at)"
            " VALUES ('bench', 'Bench', 'en', 'Europe/Oslo', '2026-01-01')"
        )
        connection.execute(
            "INSERT INTO device (id, product, customer_id, name, service_state, created_at)"
            " SELECT 'bench-' || number, 'freezer', 'bench', 'Freezer', 'in_service', '2026-01-01'"
            " FROM generate_series(0, %s) AS number",
            [DEVICES - 1],
        )


def measure(server_url: str, path: Path, readings: int) -> float:
    """Import one file by the command into a fresh database; return readings a second, the program's start included."""
    with fresh_database(server_url, "bench_import") as url:
        add_devices(url)
        command = [sys.executable, "-m", "iot_service", "import", str(path)]
        began = time.monotonic()
        subprocess.run(command, env={**os.environ, "IOT_DATABASE_URL": url}, check=True, stdout=subprocess.PIPE)
        seconds = time.monotonic() - began
        with psycopg.connect(url) as connection:
            stored = connection.execute("SELECT count(*) FROM reading").fetchone()
    if stored is None or stored[0] != readings:
        raise SystemExit(f"{path.name}: {stored} readings are stored, not {readings}")
    return readings / seconds


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=2_000_000, help="in each file")
    parser.add_argument("--format", action="append", help="only this one: ndjson, csv_long, csv_wide, parquet")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    server_url = servers()["IOT_DATABASE_URL"]
    readings = options.readings - options.readings % (DEVICES * len(METRICS))
    table = Table("format", "file MB", "readings/s")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, path in make_files(Path(folder), readings).items():
            if options.format and name not in options.format:
                continue
            found[name] = round(measure(server_url, path, readings))
            table.add_row(name, f"{path.stat().st_size / 1e6:.0f}", f"{found[name]:,.0f}")
            _console.print(f"{name}: {found[name]:,.0f} readings/s")
    _console.print(table)
    if options.json:
        print(json.dumps({"readings": readings, **found}))


if __name__ == "__main__":
    main()
