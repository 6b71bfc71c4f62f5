"""How many messages a second one machine takes in, beside what people use instead; see docs/benchmarks.md.

``python -m bench.ingest`` publishes QoS 1 messages of four values for 1,000 devices with a C client, through Mosquitto,
into TimescaleDB, with the shipped rules on, and prints a table with ratios. ``--json`` ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psycopg
from rich.console import Console
from rich.table import Table

from bench.publishers import Fleet, steady
from bench.servers import fresh_database, servers
from bench.usage import cpu_seconds, pids_of, resident_mb, tree

_SETTLE = 60.0  # seconds that a freezer's mains power must be lost for, before the shipped rule opens a need
_console = Console(stderr=True, highlight=False)


@dataclass
class Result:
    """One phase: messages a second, CPU seconds per 1,000 messages by process, and more where it applies."""

    name: str
    rate: float
    cpu: dict[str, float] = field(default_factory=dict)
    resident_mb: float = 0.0
    judged: float = 0.0
    """Messages a second until the rules had judged all of them, too."""


_NULL_C = (
    *("mosquitto_sub", "-i", "bench-null-c", "-q", "1", "-N", "-t", "iot/v1/+/telemetry"),
    *("-V", "5", "-D", "connect", "receive-maximum", "5000"),
)


class Meter:
    """CPU time that groups of processes use from its making on."""

    def __init__(self, groups: Mapping[str, list[int]]) -> None:
        self._groups = dict(groups)
        self._before = {name: cpu_seconds(pids) for name, pids in groups.items()}

    def per_thousand(self, messages: int) -> dict[str, float]:
        """Return CPU seconds per 1,000 of ``messages`` by group."""
        return {name: (cpu_seconds(pids) - self._before[name]) / messages * 1000 for name, pids in self._groups.items()}


def bare(what: str, mqtt_url: str, devices: list[str], each: int, database_url: str = "") -> Result:
    """Measure a subscriber that throws everything away (null_c, null_paho), or the tutorial."""
    count = each * len(devices)
    address = mqtt_url.removeprefix("mqtt://").split(":")
    commands = {
        "null_c": [*_NULL_C, "-h", address[0], "-p", address[1], "-C", str(count)],
        "null_paho": [sys.executable, "-m", "bench.subscribers", "null", mqtt_url, str(count)],
        "tutorial": [sys.executable, "-m", "bench.subscribers", "tutorial", mqtt_url, str(count), database_url],
    }
    output = subprocess.DEVNULL if what == "null_c" else subprocess.PIPE
    with Fleet(mqtt_url, devices) as fleet:
        subscriber = subprocess.Popen(commands[what], stdout=output, text=True)
        if subscriber.stdout is not None:
            subscriber.stdout.readline()  # it says that it is ready
        else:
            time.sleep(1.0)
        meter = Meter(_groups({what: [subscriber.pid]}))
        began = time.time()
        fleet.flood(each)
        while subscriber.stdout is None and subscriber.poll() is None:
            time.sleep(0.01)
        ended = float(subscriber.stdout.readline()) if subscriber.stdout is not None else time.time()
        cpu = meter.per_thousand(count)
        subscriber.wait()
    return Result(what, count / (ended - began), cpu)


def _backends(database_url: str) -> list[int]:
    """Return the processes of the database server, where it runs on this machine."""
    with psycopg.connect(database_url) as connection:
        served = {row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity")}
    return [pid for pid in pids_of("postgres") if pid in served]


def _groups(own: Mapping[str, list[int]]) -> dict[str, list[int]]:
    return {"publishers": pids_of("mosquitto_pub"), "mosquitto": pids_of("mosquitto")} | dict(own)


@contextmanager
def service(database_url: str, mqtt_url: str, processes: int) -> Iterator[dict[str, list[int]]]:
    """Run so many ingest processes and one worker with the shipped rules; yields their process ids by name."""
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="iot-bench-") as folder:
        environment = {
            **os.environ,
            "IOT_DATABASE_URL": database_url,
            "IOT_MQTT_URL": mqtt_url,
            "IOT_MQTT_SHARE": "bench" if processes > 1 else "",
            "IOT_DATA_DIR": folder,
            "IOT_LOG_LEVEL": "WARNING",
        }
        if processes == 1:
            del environment["IOT_MQTT_SHARE"]
        log: IO[bytes] = (Path(folder) / "log").open("wb")
        for place in range(processes):
            _forget_session(mqtt_url, f"iot-service-ingest-bench{place}")  # of a run that was broken off
        try:
            for place in range(processes):
                slot = {"IOT_MQTT_SLOT": f"bench{place}"}
                running.append(_start("ingest", environment | slot, log))
            running.append(_start("worker", environment, log))
            _wait_until_ready(database_url, processes)
            names = {"ingest": [p.pid for p in running[:-1]], "worker": [running[-1].pid]}
            yield {name: [pid for top in pids for pid in tree(top)] for name, pids in names.items()}
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
            for place in range(processes):
                _forget_session(mqtt_url, f"iot-service-ingest-bench{place}")
            log.close()
            words = (Path(folder) / "log").read_text(errors="replace")
            if words:
                _console.print(words[-2000:], markup=False)


def _start(command: str, environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "iot_service", command], env=environment, stdout=log, stderr=log)


def _wait_until_ready(database_url: str, processes: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            row = connection.execute("SELECT count(*) FROM ingest_slot WHERE caught_up_at IS NOT NULL").fetchone()
            if row is not None and row[0] >= processes:
                return
            time.sleep(0.1)
    raise SystemExit("the service did not start within a minute")


def _forget_session(mqtt_url: str, client_id: str) -> None:
    host, port = mqtt_url.removeprefix("mqtt://").split(":")
    command = ["mosquitto_sub", "-h", host, "-p", port, "-i", client_id, "-t", "bench/nothing", "-E"]
    subprocess.run(command, check=True)


def register(database_url: str, count: int) -> list[str]:
    """Register so many freezers that are in service; return their ids."""
    devices = [f"freezer-{number}" for number in range(count)]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO customer (id, name, locale, time_zone, created_at)"
            " VALUES ('bench', 'Bench', 'en', 'Europe/Oslo', now())"
        )
        connection.execute(
            "INSERT INTO device (id, product, customer_id, name, service_state, created_at)"
            " SELECT id, 'freezer', 'bench', id, 'in_service', now() FROM unnest(%s::text[]) AS id",
            [devices],
        )
        connection.execute("INSERT INTO rule_state (device_id) SELECT unnest(%s::text[])", [devices])
    return devices


def stored(what: str, server: str, mqtt_url: str, each: int, device_count: int, processes: int) -> Result:
    """Measure the service: until everything is stored, and until everything is judged."""
    with fresh_database(server, "iot_bench") as database_url:
        devices = register(database_url, device_count)
        with Fleet(mqtt_url, devices) as fleet, service(database_url, mqtt_url, processes) as pids:
            meter = Meter(_groups({**pids, "postgres": _backends(database_url)}))
            began = time.time()
            count = fleet.flood(each)
            ended = _wait_for(database_url, fleet, _STORED)
            resident = resident_mb(pid for group in pids.values() for pid in group)
            judged = _wait_for(database_url, fleet, _JUDGED)
            cpu = meter.per_thousand(count)
            _check_count(database_url, count * 4)
    rate = count / (ended - began)
    return Result(what, rate, cpu, resident, count / (judged - began))


_STORED = """
SELECT count(*) FROM unnest(%(ids)s::text[], %(ts)s::bigint[]) AS sent (id, ts)
JOIN reading ON device_id = id AND metric = 'power' AND reading.ts = to_timestamp(sent.ts / 1000.0)
"""
_JUDGED = """
SELECT count(*) FROM unnest(%(ids)s::text[], %(ts)s::bigint[]) AS sent (id, ts)
JOIN rule_state ON device_id = id AND evaluated_until >= to_timestamp(sent.ts / 1000.0)
"""


def _wait_for(database_url: str, fleet: Fleet, question: str) -> float:
    """Wait until the newest message of every device is stored (or judged); return when that was."""
    sent = {"ids": list(fleet.last), "ts": list(fleet.last.values())}
    deadline = time.monotonic() + 600
    with psycopg.connect(database_url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(question, sent).fetchone()
            if row is not None and row[0] == len(fleet.devices):
                return time.time()
            time.sleep(0.1)
    raise SystemExit("not everything arrived within ten minutes")


def _check_count(database_url: str, expected: int) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM reading").fetchone()
    if row is None or row[0] != expected:
        raise SystemExit(f"{row and row[0]} readings are stored, {expected} were published")


def half_load(server: str, mqtt_url: str, rate: float, device_count: int, seconds: float) -> dict[str, float]:
    """Return the milliseconds from publish to commit and to need opened (p50, p99), at ``rate`` messages a second.

    Every tenth device loses its mains power at a moment of its own; the shipped rule opens a need when that has lasted
    a minute, so the message that makes it open is the first one a minute later.
    """
    offsets: dict[str, float] = {}
    began = time.time()

    def values(device: str, number: int) -> dict[str, float]:
        start = offsets.get(device)
        lost = start is not None and time.time() - began >= start
        return steady(device, number) | ({"power": 0} if lost else {})

    with fresh_database(server, "iot_bench") as database_url:
        devices = register(database_url, device_count)
        failing = devices[::10]
        offsets.update({device: 5 + 20 * place / len(failing) for place, device in enumerate(failing)})
        with Fleet(mqtt_url, devices) as fleet, service(database_url, mqtt_url, 1):
            began = time.time()
            fleet.pace(rate, max(seconds, _SETTLE + 35), values)
            _wait_for(database_url, fleet, _JUDGED)
            return _latencies(database_url, len(failing))


def _latencies(database_url: str, failing: int) -> dict[str, float]:
    with psycopg.connect(database_url) as connection:
        setting = connection.execute("SHOW track_commit_timestamp").fetchone()
        if setting is None or setting[0] != "on":
            raise SystemExit("the server must run with track_commit_timestamp=on, as the one of `make servers` does")
        commit = connection.execute(_COMMIT_LATENCY).fetchone()
        need = connection.execute(_NEED_LATENCY).fetchone()
    if commit is None or need is None or need[2] != failing:
        raise SystemExit(f"{need and need[2]} needs were opened, {failing} should have been")
    return {
        "commit_p50_ms": commit[0], "commit_p99_ms": commit[1], "need_p50_ms": need[0], "need_p99_ms": need[1]
    }  # fmt: skip


_COMMIT_LATENCY = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)
FROM (SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - ts)::float * 1000 AS ms
      FROM reading WHERE metric = 'power') AS measured
"""
_NEED_LATENCY = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), count(*)
FROM (SELECT extract(epoch FROM pg_xact_commit_timestamp(need.xmin) - completing.ts)::float * 1000 AS ms
      FROM need CROSS JOIN LATERAL (
          SELECT ts FROM reading WHERE reading.device_id = need.device_id AND metric = 'power' AND ts >= need.opened_at
          ORDER BY ts LIMIT 1) AS completing
      WHERE rule = 'power_lost') AS measured
"""


def show(results: list[Result], latencies: Mapping[str, float]) -> None:
    """Print the table: rates, ratios to the stock paho subscriber and to the tutorial, CPU by process."""
    by_name = {result.name: result for result in results}
    table = Table("", "messages/s", "judged/s", "x null_paho", "x tutorial", "MB", "CPU seconds per 1,000 messages")
    for result in results:
        bases = [by_name.get(name) for name in ("null_paho", "tutorial")]
        ratios = [f"{result.rate / base.rate:.2f}" if base is not None else "" for base in bases]
        cpu = ", ".join(f"{name} {value:.3f}" for name, value in result.cpu.items())
        judged = f"{result.judged:,.0f}" if result.judged else ""
        resident = f"{result.resident_mb:.0f}" if result.resident_mb else ""
        table.add_row(result.name, f"{result.rate:,.0f}", judged, *ratios, resident, cpu)
    Console().print(table)
    for name, value in latencies.items():
        print(f"{name}: {value:.0f}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=300, help="of each device and phase")
    parser.add_argument("--seconds", type=float, default=95.0, help="of half load, at least 95")
    parser.add_argument("--only", nargs="*", help="phases: null_c null_paho tutorial one two half")
    parser.add_argument("--rate", type=float, help="of the half load; without it half of what was measured for one")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    found = servers()
    server, mqtt_url = found["IOT_DATABASE_URL"], found["IOT_MQTT_URL"]
    chosen = options.only or ["null_c", "null_paho", "tutorial", "one", "two", "half"]
    results: list[Result] = []
    latencies: dict[str, float] = {}
    names = [f"freezer-{number}" for number in range(options.devices)]
    for phase in chosen:
        _console.print(f"{phase} …")
        if phase in {"null_c", "null_paho"}:
            results.append(bare(phase, mqtt_url, names, options.messages))
        elif phase == "tutorial":
            with fresh_database(server, "iot_bench") as url:
                results.append(bare(phase, mqtt_url, names, max(1, options.messages // 4), url))
        elif phase in {"one", "two"}:
            processes = 1 if phase == "one" else 2
            results.append(stored(phase, server, mqtt_url, options.messages, options.devices, processes))
        else:
            one = next((result.rate for result in results if result.name == "one"), 0.0)
            rate = options.rate or one / 2
            if not rate:
                parser.error("half needs the phase one, or --rate")
            latencies = half_load(server, mqtt_url, rate, options.devices, options.seconds)
    show(results, latencies)
    if options.json:
        summary = {result.name: round(result.rate) for result in results}
        summary |= {name: round(value) for name, value in latencies.items() if "p99" in name}
        summary |= {"rss_mb": round(max((result.resident_mb for result in results if result.name == "one"), default=0))}
        print(json.dumps(summary))


if __name__ == "__main__":
    main()
