"""The rule runner: claims devices of which something was stored or whose time has come, judges them, and commits."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from iot_service import clock, logs
from iot_service.db import Connection, Database
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.rules import store
from iot_service.rules.compiled import CompiledProduct, compile_catalog
from iot_service.rules.device_time import DeviceTime
from iot_service.rules.fold import DeviceFold
from iot_service.rules.lifecycle import withdrawn
from iot_service.rules.recording import record_outcome
from iot_service.rules.store import Claimed, Judged
from iot_service.rules.windows import EPOCH, Windows

_RETRY = timedelta(minutes=1)
_log = logs.get(__name__)
_Place = tuple[datetime | None, datetime | None, int]


class RuleRunner:
    """Turns stored readings into needs. Any number of them may run on one database; a device is held by one at a time.

    ``lateness``, ``tick_grace`` and ``backlog_quiet`` are those of :class:`DeviceTime`. ``devices_at_once`` are held in
    one transaction, ``samples_at_once`` of each kind folded per device in it. The windows of ``remembered`` devices are
    kept in memory; those of others are built anew from their readings.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        *,
        lateness: timedelta = timedelta(0),
        tick_grace: timedelta = timedelta(seconds=1),
        backlog_quiet: timedelta = timedelta(seconds=30),
        devices_at_once: int = 50,
        samples_at_once: int = 5000,
        remembered: int = 10_000,
    ) -> None:
        """Compile the rules of ``catalog``; raises StopError with all that is wrong with them."""
        self._database = database
        self._products = compile_catalog(catalog)
        self._rules = catalog.rules
        self._lateness, self._tick_grace, self._backlog_quiet = lateness, tick_grace, backlog_quiet
        self._devices_at_once, self._samples_at_once = devices_at_once, samples_at_once
        self._remembered = remembered
        self._windows: OrderedDict[str, tuple[_Place, Windows]] = OrderedDict()

    def run_once(self) -> int:
        """Judge one chunk of devices in one transaction; return how many there were.

        A device that raises is rolled back by itself, its error kept in its rule state, and tried again later.
        """
        with self._database.transaction() as connection:
            now = clock.now()
            vouched = store.vouched(connection, now=now)
            devices = store.claim(connection, vouched_at=vouched, limit=self._devices_at_once)
            if not devices:
                return 0
            samples = store.samples(connection, devices, limit=self._samples_at_once)
            judged: list[Judged] = []
            for device in devices:
                given, more = samples[device.device_id]
                try:
                    with connection.transaction():
                        judged.append(self._judge(connection, device, given, more=more, vouched=vouched, now=now))
                except Exception as error:  # a runner: one device must not stop the others
                    self._windows.pop(device.device_id, None)
                    _log.exception("a device could not be judged", action="rules.failed", device_id=device.device_id)
                    message = f"{type(error).__name__}: {error}"
                    store.save_error(connection, device, error=message, wake_at=vouched + _RETRY)
            store.save(connection, judged)
        return len(devices)

    def _judge(
        self,
        connection: Connection,
        device: Claimed,
        given: list[Sample],
        *,
        more: bool,
        vouched: datetime,
        now: datetime,
    ) -> Judged:
        product = self._products.get(device.product)
        if product is None:
            return Judged(device, None, f"there is no product '{device.product}' in the catalog")
        if device.broken is not None:
            raise ValueError(device.broken)
        state = device.state
        for rule, rule_state in list(state.rules.items()):
            if rule not in device.open_rules:
                state.rules[rule] = withdrawn(rule_state, state.until or now)
        device.late_readings += store.count_late(connection, device)
        windows = self._take_windows(connection, device, product)
        fold = DeviceFold(product, state, windows, store.device_facts(device, product.model.parameters))
        wake_at = self._fold(fold, device, given, more=more, vouched=vouched)
        for outcome in fold.outcomes:
            spec = self._rules[device.product][outcome.rule] if outcome.rule is not None else None
            record_outcome(connection, device, outcome, spec, now=now)
            _log.info(outcome.reason, action=f"rules.{outcome.kind}", device_id=device.device_id, rule=outcome.rule)
        self._keep_windows(device, windows)
        error = "; ".join(f"{rule}: {message}" for rule, message in fold.errors.items())
        return Judged(device, wake_at, error or None)

    def _fold(
        self, fold: DeviceFold, device: Claimed, given: list[Sample], *, more: bool, vouched: datetime
    ) -> datetime | None:
        """Fold what may be folded, and return at which ``vouched`` there will be something to do."""
        time = DeviceTime(
            device.newest_ts, device.newest_received, self._lateness, self._tick_grace, self._backlog_quiet
        )
        watermark = time.watermark(vouched)
        ready = [sample for sample in given if sample.ts <= watermark]
        wakes = [time.sample_wake(sample.ts) for sample in given[len(ready) : len(ready) + 1]]
        if ready or device.state.until is not None:  # a device's time begins with its first sample
            bound = watermark if not more else ready[-1].ts if ready else EPOCH
            changes = [change for change in device.changes if change.at <= bound]
            fold.advance(ready, changes, quiet_until=None if more else time.quiet_until(vouched))
            wakes += [time.sample_wake(change.at) for change in device.changes[len(changes) : len(changes) + 1]]
            if (due := fold.next_due()) is not None:
                wakes.append(time.timer_wake(due))
        if ready:
            device.state.heard = max(device.state.heard or EPOCH, *(sample.received_at for sample in ready))
        if more and len(ready) == len(given):
            wakes.append(vouched)
        return min(wakes, default=None)

    def _take_windows(self, connection: Connection, device: Claimed, product: CompiledProduct) -> Windows:
        """Return the device's windows: those in memory when they end where its state does, else from its readings.

        Late readings are in windows though they never were folded, so after one (that any runner saw) they are built
        anew.
        """
        place = _place(device)
        kept = self._windows.pop(device.device_id, None)
        if kept is not None and kept[0] == place:
            return kept[1]
        return Windows(store.build_window(connection, device.device_id, key, device.state) for key in product.windows)

    def _keep_windows(self, device: Claimed, windows: Windows) -> None:
        self._windows[device.device_id] = (_place(device), windows)
        while len(self._windows) > self._remembered:
            self._windows.popitem(last=False)


def _place(device: Claimed) -> _Place:
    """Return what must not have changed since windows were kept, if they are to go on."""
    return device.state.until, device.state.received, device.late_readings
