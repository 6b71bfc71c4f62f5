"""A fleet of C publishers: one ``mosquitto_pub -l`` for each device, fed through its standard input."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_BURST = 40  # lines written to one publisher at once when it goes as fast as it can
Values = Callable[[str, int], dict[str, float]]
"""What a device sends in its message of a number."""


def steady(_device: str, number: int) -> dict[str, float]:
    """Return the four values of a freezer that is well."""
    return {"temperature": -70.0 - number % 10 / 10, "ambient": 21.5, "door": 0, "power": 1}


class Fleet:
    """One connected publisher per device; a context manager.

    ``last`` is the time (milliseconds since 1970 UTC) of each device's newest message, which is the time at which it
    was handed to its publisher, but for messages handed over together: those follow each other by a millisecond.
    """

    def __init__(self, mqtt_url: str, devices: Sequence[str]) -> None:
        self.devices = devices
        self.last = dict.fromkeys(devices, 0)
        self._numbers = dict.fromkeys(devices, 0)
        self._address = urlsplit(mqtt_url)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        host, port = self._address.hostname or "localhost", str(self._address.port or 1883)
        for device in self.devices:
            command = ["mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-l", "-t", f"iot/v1/{device}/telemetry"]
            self._processes.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            process.wait()

    def flood(self, each: int, values: Values = steady) -> int:
        """Publish ``each`` messages of every device as fast as the broker takes them; return how many that were."""
        for begin in range(0, each, _BURST):
            for device, process in zip(self.devices, self._processes, strict=True):
                self._write(device, process, min(_BURST, each - begin), values)
        return each * len(self.devices)

    def pace(self, rate: float, seconds: float, values: Values = steady) -> int:
        """Publish ``rate`` messages a second, spread evenly over time and devices; return how many that were."""
        began, sent = time.monotonic(), 0
        total = int(rate * seconds)
        while sent < total:
            due = min(total, int((time.monotonic() - began) * rate) + 1)
            while sent < due:
                place = sent % len(self.devices)
                self._write(self.devices[place], self._processes[place], 1, values)
                sent += 1
            time.sleep(0.002)
        return sent

    def _write(self, device: str, process: subprocess.Popen[bytes], count: int, values: Values) -> None:
        ts = max(int(time.time() * 1000), self.last[device] + 1)
        first = self._numbers[device]
        lines = [
            json.dumps({"ts": ts + place, "values": values(device, first + place)}, separators=(",", ":"))
            for place in range(count)
        ]
        self.last[device] = ts + count - 1
        self._numbers[device] = first + count
        if process.stdin is None:
            raise ValueError("the fleet has no publishers outside its context")
        process.stdin.write(("\n".join(lines) + "\n").encode())
        process.stdin.flush()
