"""What ingest knows of the registered devices: a cache that learns of new ones at once and forgets changes in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from iot_service.ingest.jsontext import keeps_text

_FRESH = 30.0  # seconds after which a device is read again, since it may have moved to another customer
_ASK_AGAIN = 0.5  # seconds after which an id that was not registered is asked for again
_MOST_STRANGERS = 20_000  # unknown ids remembered as such


_LONGEST = 200  # characters of a name that anything is registered by


class Registered(NamedTuple):
    """A registered device: its id, that of its product model, and whose it is; what a disabled one says is refused.

    ``location``: its customer has agreed to the use of locations.
    """

    device_id: str
    product: str
    customer_id: str
    disabled: bool = False
    location: bool = False


class Registry:
    """Registered devices by what messages call them: their id, or another name (alias) that was given to them.

    ``read`` is asked for a list of such names and returns those that are registered. It is called at most once per
    call of :meth:`devices`, and for one unknown name at most twice a second, so that a flood of made-up ones costs
    little while a device that was registered a moment ago is known at once.
    """

    def __init__(self, read: Callable[[list[str]], Mapping[str, Registered]]) -> None:
        self._read = read
        self._known: dict[str, tuple[Registered, float]] = {}
        self._strangers: dict[str, float] = {}
        self._outdated = False

    def forget(self) -> None:
        """Ask for every device again when it next speaks: something was changed. May be called by any thread."""
        self._outdated = True

    def devices(self, ids: Iterable[str], *, at: float) -> dict[str, Registered]:
        """Return those of ``ids`` that are registered; ``at`` is a monotonic time in seconds.

        Raises what ``read`` raises.
        """
        if self._outdated:
            self._outdated = False
            self._known.clear()
            self._strangers.clear()
        result: dict[str, Registered] = {}
        asked: list[str] = []
        for device_id in set(ids):
            known = self._known.get(device_id)
            if known is not None and at - known[1] < _FRESH:
                result[device_id] = known[0]
            elif self._strangers.get(device_id, -_ASK_AGAIN) <= at - _ASK_AGAIN and _can_be_asked(device_id):
                asked.append(device_id)
        if asked:
            result |= self._ask(asked, at)
        return result

    def _ask(self, ids: list[str], at: float) -> Mapping[str, Registered]:
        found = self._read(ids)
        if len(self._strangers) > _MOST_STRANGERS:
            self._strangers.clear()
        for device_id in ids:
            if device_id in found:
                self._known[device_id] = (found[device_id], at)
                self._strangers.pop(device_id, None)
            else:
                self._known.pop(device_id, None)
                self._strangers[device_id] = at
        return found


def _can_be_asked(name: str) -> bool:
    return 0 < len(name) <= _LONGEST and keeps_text(name)
