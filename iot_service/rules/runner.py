"""The rule runner: claims devices of which something was stored or whose time has come, judges them, and commits."""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service import clock, logs, metrics
from iot_service.db import Connection, Database
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.rules import store
from iot_service.rules.compiled import CompiledProduct, compile_catalog
from iot_service.rules.device_time import DeviceTime
from iot_service.rules.fold import DeviceFold
from iot_service.rules.lifecycle import withdrawn
from iot_service.rules.memory import Memory, Place, Remembered
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.recording import record_outcome
from iot_service.rules.store import Claimed, Judged
from iot_service.rules.windows import EPOCH, Windows

_RETRY = timedelta(minutes=1)
_log = logs.get(__name__)


class RuleRunner:
    """Turns stored readings into needs. Any number of them may run on one database; a device is held by one at a time.

    ``lateness``, ``tick_grace`` and ``backlog_quiet`` are those of :class:`DeviceTime`. A device waits for ``linger``
    after something of it was stored, since judging ten messages at once costs little more than judging one.
    ``devices_at_once`` are held in one transaction, ``samples_at_once`` of each kind folded per device in it. The
    ``remembered`` devices that were judged last are kept in memory; what is needed of others is built anew.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        *,
        lateness: timedelta = timedelta(0),
        tick_grace: timedelta = timedelta(seconds=1),
        backlog_quiet: timedelta = timedelta(seconds=30),
        linger: timedelta = timedelta(0),
        devices_at_once: int = 100,
        samples_at_once: int = 5000,
        remembered: int = 10_000,
    ) -> None:
        """Compile the rules of ``catalog``; raises StopError with all that is wrong with them."""
        self._database = database
        self._products = compile_catalog(catalog)
        self._rules = catalog.rules
        self._watched = {name: product.watched for name, product in self._products.items()}
        self._lateness, self._tick_grace, self._backlog_quiet = lateness, tick_grace, backlog_quiet
        self._linger = linger
        self.devices_at_once, self._samples_at_once = devices_at_once, samples_at_once
        self._memory = Memory(remembered)

    def run_once(self) -> int:
        """Judge one chunk of devices in one transaction; return how many there were.

        A device that raises is rolled back by itself, its error kept in its rule state, and tried again later. Only
        what asks the database for a device alone is behind a savepoint, since that costs as much as judging it.
        """
        with self._database.transaction() as connection:
            now = clock.now()
            vouched = store.vouched(connection, now=now)
            spread = store.is_spread(connection)
            devices = store.claim(
                connection, self._memory, vouched_at=vouched, before=now - self._linger, limit=self.devices_at_once
            )
            if not devices:
                return 0
            samples = store.samples(connection, devices, self._watched, limit=self._samples_at_once)
            judged: list[Judged] = []
            folds: dict[str, tuple[Windows, DeviceFold]] = {}
            for device in devices:
                given, more = samples[device.device_id]
                try:
                    judged.append(
                        self._judge(
                            connection, device, given, folds, more=more, vouched=vouched, spread=spread, now=now
                        )
                    )
                except Exception as error:  # a runner: one device must not stop the others
                    folds.pop(device.device_id, None)
                    _log.exception("a device could not be judged", action="rules.failed", device_id=device.device_id)
                    message = f"{type(error).__name__}: {error}"
                    store.save_error(connection, device, error=message, wake_at=vouched + _RETRY)
            version = store.save(connection, judged)
        self._memory.keep(
            (item.device.device_id, Remembered(version, _place(item.device), *folds[item.device.device_id]))
            for item in judged
            if item.device.device_id in folds
        )
        self._observe(judged)
        return len(devices)

    def _observe(self, judged: list[Judged]) -> None:
        now = clock.now()
        metrics.observe_judged(
            [
                (now - item.device.newest_received).total_seconds()
                for item in judged
                if item.device.oldest is not None and item.device.newest_received is not None
            ]
        )
        for item in judged:
            for rule in item.opened:
                spec = self._rules[item.device.product][rule]
                metrics.count_need(item.device.product, rule, spec.kind)

    def _judge(
        self,
        connection: Connection,
        device: Claimed,
        given: list[Sample],
        folds: dict[str, tuple[Windows, DeviceFold]],
        *,
        more: bool,
        vouched: datetime,
        spread: bool,
        now: datetime,
    ) -> Judged:
        product = self._products.get(device.product)
        if product is None:
            return Judged(device, None, f"there is no product '{device.product}' in the catalog")
        if device.broken is not None:
            raise ValueError(device.broken)
        remembered = self._memory.take(device.device_id)
        if store.may_be_late(device):
            with connection.transaction():
                device.late_readings += store.count_late(connection, device, product.watched)
        windows, fold = self._take_up(connection, device, product, remembered, now=now)
        wake_at = self._fold(fold, device, given, more=more, vouched=vouched, spread=spread, now=now)
        opened = self._record(connection, device, fold.outcomes, now=now) if fold.outcomes else ()
        folds[device.device_id] = windows, fold
        error = "; ".join(f"{rule}: {message}" for rule, message in fold.errors.items())
        return Judged(device, wake_at, error or None, opened)

    def _record(
        self, connection: Connection, device: Claimed, outcomes: list[Outcome], *, now: datetime
    ) -> tuple[str, ...]:
        """Write what happened, all of it or nothing; return the rules that opened a need."""
        opened: list[str] = []
        with connection.transaction():
            for outcome in outcomes:
                spec = self._rules[device.product][outcome.rule] if outcome.rule is not None else None
                is_new = record_outcome(connection, device, outcome, spec, now=now)
                if is_new and spec is not None and outcome.kind is OutcomeKind.OPENED:
                    opened.append(spec.id)
        for outcome in outcomes:
            _log.info(outcome.reason, action=f"rules.{outcome.kind}", device_id=device.device_id, rule=outcome.rule)
        return tuple(opened)

    def _fold(
        self,
        fold: DeviceFold,
        device: Claimed,
        given: list[Sample],
        *,
        more: bool,
        vouched: datetime,
        spread: bool,
        now: datetime,
    ) -> datetime | None:
        """Fold what may be folded, and return at which ``vouched`` there will be something to do."""
        time = DeviceTime(
            device.newest_ts, device.newest_received, self._lateness, self._tick_grace, self._backlog_quiet
        )
        watermark = time.watermark(vouched)
        if not spread and device.newest_ts is not None:
            watermark = max(watermark, min(now, device.newest_ts) - self._lateness)
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

    def _take_up(
        self,
        connection: Connection,
        device: Claimed,
        product: CompiledProduct,
        remembered: Remembered | None,
        *,
        now: datetime,
    ) -> tuple[Windows, DeviceFold]:
        """Return the device's windows and fold: those in memory when they end where its state does, else built anew.

        Late readings are in windows though they never were folded, so after one (that any runner saw) they are built
        from the readings.
        """
        state, facts = device.state, store.device_facts(device, product.model.parameters)
        if remembered is not None and remembered.place != _place(device):
            remembered = None
        if (
            remembered is not None
            and remembered.fold.state is state
            and remembered.fold.goes_on(facts, device.open_rules)
        ):
            return remembered.windows, remembered.fold
        for rule, rule_state in list(state.rules.items()):
            if rule not in device.open_rules:
                state.rules[rule] = withdrawn(rule_state, state.until or now)
        self._look_back(connection, device, product)
        windows = remembered.windows if remembered is not None else self._build_windows(connection, device, product)
        return windows, DeviceFold(product, state, windows, facts)

    def _look_back(self, connection: Connection, device: Claimed, product: CompiledProduct) -> None:
        """Give the device's state the last values of metrics that rules look at now and did not when it was kept."""
        state = device.state
        new = set(product.watched) - set(product.watched if state.watched is None else state.watched)
        state.watched = product.watched
        if new and state.until is not None:
            with connection.transaction():
                state.readings |= store.last_readings(connection, device.device_id, new, until=state.until)

    def _build_windows(self, connection: Connection, device: Claimed, product: CompiledProduct) -> Windows:
        if not product.windows:
            return Windows(())
        with connection.transaction():
            return Windows(
                store.build_window(connection, device.device_id, key, device.state) for key in product.windows
            )


def _place(device: Claimed) -> Place:
    """Return what must not have changed since windows were kept, if they are to go on."""
    return device.state.until, device.state.received, device.late_readings
