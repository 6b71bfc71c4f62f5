"""What a rule runner remembers of devices between two runs, so that it need not read and build it again.

Everything in it can be built anew from the database: it is used only where it is certain that nobody, this process's
own failed transactions included, has changed what it was built from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from iot_service.rules.fold import DeviceFold
from iot_service.rules.state import DeviceState
from iot_service.rules.windows import Windows

Place = tuple[datetime | None, datetime | None, int]
"""Where folding of a device stopped, and how many late readings it had."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One device as it was at ``place``. ``version`` is that of its row in ``rule_state``, written by this process."""

    version: str
    place: Place
    windows: Windows
    fold: DeviceFold


class Memory:
    """The devices that were judged last, at most ``capacity`` of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._devices: OrderedDict[str, Remembered] = OrderedDict()

    def state(self, device_id: str, version: str) -> DeviceState | None:
        """Return the state of a device whose row still is the one that was written here, else None."""
        found = self._devices.get(device_id)
        return found.fold.state if found is not None and found.version == version else None

    def __contains__(self, device_id: str) -> bool:
        return device_id in self._devices

    def take(self, device_id: str) -> Remembered | None:
        """Return what is remembered of a device, and forget it: from now on it changes."""
        return self._devices.pop(device_id, None)

    def keep(self, devices: Iterable[tuple[str, Remembered]]) -> None:
        """Remember devices whose rows are committed."""
        self._devices.update(devices)
        while len(self._devices) > self._capacity:
            self._devices.popitem(last=False)
