"""A whole installation under load, on real servers of its own, and what must be true of it whatever happens to it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from psycopg import sql

from iot_service.config import environment, load_settings
from tests.conftest import at_database
from tests.faults import checker
from tests.faults.fleet import Fleet, RunningClock, Sent
from tests.faults.processes import Processes
from tests.servers.mosquitto import MosquittoServer
from tests.servers.timescale import TimescaleServer

MOST_MB = {"ingest": 150.0, "worker": 200.0}
"""Resident memory that no process may ever exceed."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how hard: messages a second (one of each device), seconds of load between two faults, how many
    faults, how long servers are away, how much faster than life the clock runs (``for: 1m`` must fit), seconds within
    which all is caught up: most of them are for processes that start while the machine does other things."""

    name: str
    rate: int
    between: float
    faults: int
    away: float
    speed: float
    catch_up: float


SHORT = Scale("short", rate=500, between=0.8, faults=3, away=1.5, speed=40.0, catch_up=30.0)
LONG = Scale("long", rate=1000, between=8.0, faults=8, away=60.0, speed=4.0, catch_up=60.0)
_ALL_SLOTS = "SELECT replace(client_id, 'iot-service-ingest-', '') FROM ingest_slot"
_GRACE = 2.0  # seconds of life that a device may be slower than its messages of one a second


class World:
    """Broker, database and devices of one test, and the processes of the service; a context manager.

    The test starts the processes that it wants, loads them (:meth:`load`), harms them, and ends with
    :meth:`everything_once`.
    """

    def __init__(
        self, scale: Scale, server: TimescaleServer, broker: MosquittoServer, database_url: str, folder: Path, seed: int
    ) -> None:
        self.scale, self.server, self.broker, self.database_url = scale, server, broker, database_url
        self.chance = random.Random(seed)
        self.clock = RunningClock(datetime.now(UTC), scale.speed)
        self.devices = [f"freezer-{number}" for number in range(scale.rate)]
        settings = load_settings(
            database_url=database_url, mqtt_url=broker.url, data_dir=folder / "data", secret_key="k" * 40,
            clock_anchor=self.clock.anchor, clock_speed=scale.speed,
            tick_grace=_GRACE * timedelta(seconds=scale.speed), backlog_quiet=_GRACE * timedelta(seconds=scale.speed),
        )  # fmt: skip
        self.processes = Processes(environment(settings), folder / "service.log")
        self._fleet: Fleet | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, *names: str, **variables: str) -> None:
        """Start processes, with settings of their own where given; the word before a hyphen is the command."""
        for name in names:
            self.processes.start(name, **variables)

    def kill_and_restart(self, *names: str) -> None:
        """SIGKILL them, then start them again, as `serve` would."""
        for name in names:
            self.processes.kill(name)
        for name in names:
            self.processes.restart(name)

    @property
    def lateness(self) -> str:
        """``IOT_LATENESS`` where a device's messages come through several processes: a second of life."""
        return f"{self.scale.speed:.0f}s"

    # The load ----------------------------------------------------------------------------------------------------

    def load(self, *, flickering: bool = True) -> Fleet:
        """Let the devices begin, once ingest listens; some lose their mains power, each at a moment of its own.

        Others have it come and go, where ``flickering``: not for tests in which a device cannot be heard for a while.
        """
        self.wait_for(self.slots, "ingest to listen")
        lasts = self.scale.between * self.scale.faults
        failing = {device: self.chance.uniform(0.0, lasts) for device in self.devices[::20]}
        self._fleet = Fleet(
            self.broker.port, self.devices, self.clock, rate=self.scale.rate, failing=failing,
            flickering=set(self.devices[5::20]) if flickering else set(),
        )  # fmt: skip
        return self._stack.enter_context(self._fleet)

    def goes_on(self, seconds: float | None = None) -> None:
        """Let the load go on for a while, random where no ``seconds`` are given."""
        time.sleep(self.scale.between * self.chance.uniform(0.5, 1.5) if seconds is None else seconds)

    # What must be true -------------------------------------------------------------------------------------------

    def caught_up(self) -> float:
        """Wait until all that was measured by now is stored and judged; print and return the seconds of it."""
        assert self._fleet is not None
        began, last = time.monotonic(), dict(self._fleet.last)
        self.wait_for(lambda: self._behind(last) == (0, 0), f"{len(last)} devices", within=self.scale.catch_up)
        seconds = time.monotonic() - began
        print(f"caught up after {seconds:.1f} s")
        return seconds

    def everything_once(self) -> None:
        """End the load; fails unless all that was acknowledged is stored once and every need of it is opened once."""
        assert self.missing() == []

    def missing(self) -> list[Sent]:
        """End the load and check everything but that; return what was acknowledged and is not stored."""
        fleet = self._fleet
        assert fleet is not None
        fleet.end()
        self.wait_for(lambda: self._behind(fleet.last) == (0, 0), "the last messages", within=self.scale.catch_up)
        stored = checker.stored_messages(self.database_url)
        needs = checker.expected_needs(stored)
        self.wait_for(lambda: len(self._needs()) >= len(needs), f"{len(needs)} needs", within=self.scale.catch_up)
        lost = checker.lost(fleet.acknowledged, stored)
        checker.check_needs(self.database_url, stored)
        self.processes.stop()
        held = checker.rows(self.database_url, "SELECT client_id FROM ingest_slot WHERE holder IS NOT NULL")
        assert held == [], "who ends in good order leaves his slot to the next one"
        letters = checker.rows(self.database_url, "SELECT reason, detail FROM dead_letter LIMIT 5")
        assert letters == []
        peak = ", ".join(f"{name} {mb:.0f} MB" for name, mb in self.processes.peak_mb.items())
        print(f"{len(fleet.acknowledged)} messages acknowledged, {len(lost)} lost, {len(needs)} needs; at most {peak}")
        over = {name: mb for name, mb in self.processes.peak_mb.items() if mb > MOST_MB[name]}
        assert over == {}
        return lost

    # Looking -----------------------------------------------------------------------------------------------------

    def slots(self) -> dict[str, int]:
        """The slots that have vouched for something, with the numbers of the processes that hold them."""
        found = checker.rows(
            self.database_url,
            "SELECT replace(client_id, 'iot-service-ingest-', ''), holder FROM ingest_slot"
            " WHERE caught_up_at IS NOT NULL AND holder IS NOT NULL",
        )
        return {slot: int(holder.rpartition(" ")[2].partition(":")[0]) for slot, holder in found}

    def all_slots(self) -> set[str]:
        """All slots that there are."""
        return {slot for (slot,) in checker.rows(self.database_url, _ALL_SLOTS)}

    def session_left(self, slot: str) -> bool:
        """Whether the broker still has a session for a slot; it has none afterwards."""
        present: Queue[bool] = Queue()
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"iot-service-ingest-{slot}", protocol=MQTTProtocolVersion.MQTTv5
        )
        client.on_connect = lambda _client, _data, flags, _code, _properties: present.put(flags.session_present)
        client.connect("127.0.0.1", self.broker.port, clean_start=False)
        client.loop_start()
        try:
            return present.get(timeout=5)
        finally:
            client.disconnect()
            client.loop_stop()

    def wait_for(self, look: Callable[[], object], what: str, *, within: float = 30.0) -> None:
        """Look again and again, whatever the database says meanwhile."""
        deadline = time.monotonic() + within
        while True:
            try:
                if look():
                    return
            except psycopg.OperationalError:
                pass
            assert time.monotonic() < deadline, f"waited {within:.0f} s in vain for {what}; see {self.processes.log}"
            time.sleep(0.05)

    def through(self, port: int) -> str:
        """The address of the database by way of another port."""
        address = urlsplit(self.database_url)
        return urlunsplit(address._replace(netloc=address.netloc.replace(f":{address.port}", f":{port}")))

    def _behind(self, last: dict[str, int]) -> tuple[int, int]:
        return checker.behind(self.database_url, last)

    def _needs(self) -> list[tuple[object, ...]]:
        return checker.rows(self.database_url, "SELECT id FROM need WHERE rule = 'power_lost'")


def fresh_database(server: TimescaleServer, template: str, name: str) -> str:
    """Clone ``template`` and return the address; it goes with its server, since dropping it takes seconds."""
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
    return at_database(server.url, name)
