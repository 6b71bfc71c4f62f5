"""The rule runner: claims devices of which something was stored or whose time has come, judges them, and commits."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from iot_service import clock, logs, metrics
from iot_service.db import Connection, Database
from iot_service.model.reading import Sample
from iot_service.products.catalog import Catalog
from iot_service.rules import store
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.device_time import DeviceTime
from iot_service.rules.fold import DeviceFold
from iot_service.rules.lifecycle import has_need, withdrawn
from iot_service.rules.memory import Memory, Place, Remembered
from iot_service.rules.opening import Opening, open_together, opens_alone
from iot_service.rules.outcomes import Outcome, OutcomeKind
from iot_service.rules.overrides.effective import give_overrides
from iot_service.rules.overrides.variants import Variants
from iot_service.rules.recording import record_outcome, to_record
from iot_service.rules.store import Claimed, Judged
from iot_service.rules.versions.applying import apply_changes, has_changed
from iot_service.rules.versions.book import ProductRules, RuleBook
from iot_service.rules.versions.store import wake_devices
from iot_service.rules.versions.version import Mode
from iot_service.rules.why import Why
from iot_service.rules.windows import EPOCH, Windows

_RETRY = timedelta(minutes=1)
_log = logs.get(__name__)


class RuleRunner:
    """Turns stored readings into needs. Any number of them may run on one database; a device is held by one at a time.

    ``lateness``, ``tick_grace`` and ``backlog_quiet`` are those of :class:`DeviceTime`. A device waits for ``linger``
    after something of it was stored, since judging ten messages at once costs little more than judging one. Rules are
    those of ``catalog``, or, where they are ``recorded``, those that the database says are in force at each run.
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
        recorded: bool = False,
    ) -> None:
        """Compile the rules of ``catalog``; raises StopError with all that is wrong with them."""
        self._database = database
        self._book = RuleBook(catalog, recorded=recorded)
        self._variants = Variants()
        self._waking = False
        self._lateness, self._tick_grace, self._backlog_quiet = lateness, tick_grace, backlog_quiet
        self._linger = linger
        self.devices_at_once, self._samples_at_once = devices_at_once, samples_at_once
        self._memory = Memory(remembered)
        self._built: dict[str, tuple[CompiledProduct, Windows]] = {}

    def run_once(self) -> int:
        """Judge one chunk of devices in one transaction; return how many there were.

        What is in force is looked up while the devices are held, so that nobody judges one by rules that are older than
        those it was judged by before. A device that raises is rolled back by itself, its error kept in its rule state,
        and tried again later. Only what asks the database for a device alone is behind a savepoint, since that costs as
        much as judging it.
        """
        woken = self._wake() if self._waking else 0
        with self._database.transaction() as connection:
            now = clock.now()
            vouched = store.vouched(connection, now=now)
            spread = store.is_spread(connection)
            devices = store.claim(
                connection, self._memory, vouched_at=vouched, before=now - self._linger, limit=self.devices_at_once
            )
            self._waking = self._book.look(connection)
            if not devices:
                return woken
            give_overrides(connection, devices)
            samples = store.samples(connection, devices, self._book.watched, limit=self._samples_at_once)
            self._build_ahead(connection, devices)
            judged: list[Judged] = []
            later: list[Opening] = []
            folds: dict[str, tuple[Windows, DeviceFold]] = {}
            for device in devices:
                given, more = samples[device.device_id]
                try:
                    with connection.transaction() if self._finds_other_rules(device) else nullcontext():
                        done = self._judge(
                            connection, device, given, folds, later, more=more, vouched=vouched, spread=spread, now=now
                        )
                    judged.append(done)
                except Exception as error:  # a runner: one device must not stop the others
                    folds.pop(device.device_id, None)
                    later = [opening for opening in later if opening.device is not device]
                    self._note_failure(connection, device, error, wake_at=vouched + _RETRY)
            judged = self._open(connection, judged, later, folds, vouched=vouched, now=now)
            version = store.save(connection, judged)
        self._memory.keep(
            (item.device.device_id, Remembered(version, _place(item.device), *folds[item.device.device_id]))
            for item in judged
            if item.device.device_id in folds
        )
        self._observe(judged)
        return len(devices)

    def _wake(self) -> int:
        """Let some of the devices be due whose rules have changed; return how many."""
        with self._database.transaction() as connection:
            return wake_devices(connection, at=store.vouched(connection, now=clock.now()))

    def _finds_other_rules(self, device: Claimed) -> bool:
        rules = self._rules_of(device)
        return rules is not None and has_changed(device, rules)

    def _rules_of(self, device: Claimed) -> ProductRules | None:
        """Return what ``device`` is judged by; None where its product is not known."""
        rules = self._book.products.get(device.product)
        return self._variants.of(rules, device.overrides) if rules is not None and device.overrides else rules

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
                spec = self._book.products[item.device.product].rules[rule].spec
                metrics.count_need(item.device.product, rule, spec.kind)
            for rule, why in item.doubts:
                metrics.count_unknown(item.device.product, rule, why)

    def _judge(
        self,
        connection: Connection,
        device: Claimed,
        given: list[Sample],
        folds: dict[str, tuple[Windows, DeviceFold]],
        later: list[Opening],
        *,
        more: bool,
        vouched: datetime,
        spread: bool,
        now: datetime,
    ) -> Judged:
        rules = self._rules_of(device)
        if rules is None:
            return Judged(device, None, f"there is no product '{device.product}' in the catalog")
        if device.broken is not None:
            raise ValueError(device.broken)
        remembered = self._memory.take(device.device_id)
        if store.may_be_late(device):
            with connection.transaction():
                device.late_readings += store.count_late(connection, device, rules.compiled.watched)
        windows, fold = self._take_up(connection, device, rules, remembered, now=now)
        wake_at = self._fold(fold, device, given, more=more, vouched=vouched, spread=spread, now=now)
        kept = store.state_text(device.state)  # here, where it stops no other device if it cannot be kept
        outcomes, opened = to_record(fold.outcomes), tuple[str, ...]()
        openings = [Opening(device, each, rules.rules[each.rule]) for each in outcomes if each.rule is not None]
        if len(openings) == len(outcomes) and all(map(opens_alone, openings)):
            later += openings
        elif outcomes:
            opened = self._record(connection, device, rules, outcomes, now=now)
        folds[device.device_id] = windows, fold
        failed = [f"{rule}: {each.what}" for rule, each in sorted(fold.state.unknown.items()) if each.why is Why.FAILED]
        return Judged(device, wake_at, "; ".join(failed) or None, opened, tuple(fold.doubts.new), kept)

    def _open(
        self,
        connection: Connection,
        judged: list[Judged],
        later: list[Opening],
        folds: dict[str, tuple[Windows, DeviceFold]],
        *,
        vouched: datetime,
        now: datetime,
    ) -> list[Judged]:
        """Open the needs that were left for later, all at once; where that fails, those of each device by themselves.

        Returns what was ``judged``, with the rules that opened a need, and without the devices that failed.
        """
        if not later:
            return judged
        new: set[tuple[str, str]] = set()
        failed: set[str] = set()
        try:
            with connection.transaction():
                new = open_together(connection, later, now=now)
        except Exception:  # a runner: one device must not stop the others
            for device_id, own in groupby(later, key=lambda opening: opening.device.device_id):
                openings = list(own)
                try:
                    with connection.transaction():
                        new |= open_together(connection, openings, now=now)
                except Exception as error:  # a runner, as above
                    folds.pop(device_id, None)
                    failed.add(device_id)
                    self._note_failure(connection, openings[0].device, error, wake_at=vouched + _RETRY)
        for opening in later:
            if opening.device.device_id not in failed:
                _log_outcome(opening.device, opening.outcome)
        opened: dict[str, list[str]] = {}
        for device_id, rule in sorted(new):
            opened.setdefault(device_id, []).append(rule)
        return [
            replace(item, opened=(*item.opened, *opened.get(item.device.device_id, ())))
            for item in judged
            if item.device.device_id not in failed
        ]

    def _note_failure(self, connection: Connection, device: Claimed, error: Exception, *, wake_at: datetime) -> None:
        _log.exception("a device could not be judged", action="rules.failed", device_id=device.device_id)
        store.save_error(connection, device, error=f"{type(error).__name__}: {error}", wake_at=wake_at)

    def _record(
        self, connection: Connection, device: Claimed, rules: ProductRules, outcomes: list[Outcome], *, now: datetime
    ) -> tuple[str, ...]:
        """Write what happened, all of it or nothing; return the rules that opened a need."""
        opened: list[str] = []
        with connection.transaction():
            for outcome in outcomes:
                rule = rules.rules[outcome.rule] if outcome.rule is not None else None
                is_new = record_outcome(connection, device, outcome, rule, now=now)
                if is_new and rule is not None and rule.mode is Mode.LIVE and outcome.kind is OutcomeKind.OPENED:
                    opened.append(rule.spec.id)
        for outcome in outcomes:
            _log_outcome(device, outcome, in_shadow=outcome.rule is not None and rules.in_shadow(outcome.rule))
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
            last, quiet = ready[-1].ts if ready else EPOCH, time.quiet_until(vouched)
            bound = last if more else max(last, quiet)  # like a timer, a change waits for samples from before it
            changes = [change for change in device.changes if change.at <= bound]
            fold.advance(ready, changes, quiet_until=None if more else quiet)
            wakes += [time.timer_wake(change.at) for change in device.changes[len(changes) : len(changes) + 1]]
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
        rules: ProductRules,
        remembered: Remembered | None,
        *,
        now: datetime,
    ) -> tuple[Windows, DeviceFold]:
        """Return the device's windows and fold: those in memory when they end where its state does, else built anew.

        Late readings are in windows though they never were folded, so after one (that any runner saw) they are built
        from the readings.
        """
        product = rules.compiled
        anew = apply_changes(connection, device, rules, now=now) if has_changed(device, rules) else frozenset[str]()
        state, facts = device.state, store.device_facts(device, product.model.parameters)
        having = device.open_rules | device.shadow_rules
        context = device.whereabouts.context(product.model)
        if remembered is not None and (remembered.place != _place(device) or remembered.fold.product is not product):
            remembered = None
        if (
            remembered is not None
            and not anew
            and remembered.fold.state is state
            and remembered.fold.goes_on(facts, having, context)
        ):
            return remembered.windows, remembered.fold
        for rule, rule_state in list(state.rules.items()):
            if rule in rules.rules and rule not in having and has_need(rule_state.phase):
                state.rules[rule] = withdrawn(rule_state, state.until or now)
        self._look_back(connection, device, product)
        windows = remembered.windows if remembered is not None else self._build_windows(connection, device, product)
        return windows, DeviceFold(product, state, windows, facts, context, anew=anew)

    def _look_back(self, connection: Connection, device: Claimed, product: CompiledProduct) -> None:
        """Give the device's state the last values of metrics that rules look at now and did not when it was kept."""
        state = device.state
        new = set(product.watched) - set(product.watched if state.watched is None else state.watched)
        state.watched = product.watched
        if new and state.until is not None:
            with connection.transaction():
                state.readings |= store.last_readings(connection, device.device_id, new, until=state.until)

    def _build_windows(self, connection: Connection, device: Claimed, product: CompiledProduct) -> Windows:
        found = self._built.pop(device.device_id, None)
        if found is not None and found[0] is product:
            return found[1]
        if not product.windows:
            return Windows(())
        with connection.transaction():
            asked = [(device.device_id, device.state, product.windows)]
            return store.build_windows(connection, asked)[device.device_id]

    def _build_ahead(self, connection: Connection, devices: list[Claimed]) -> None:
        """Build the windows of all devices that are not remembered at once; where that fails, each is by itself."""
        self._built = {}
        asked = [
            (device, rules.compiled)
            for device in devices
            if device.device_id not in self._memory and device.broken is None and (rules := self._rules_of(device))
        ]
        asked = [(device, product) for device, product in asked if product.windows]
        if asked:
            try:
                with connection.transaction():
                    found = store.build_windows(connection, [(d.device_id, d.state, p.windows) for d, p in asked])
            except Exception:  # a runner: one device must not stop the others
                _log.exception("windows could not be built together", action="rules.windows_failed")
            else:
                self._built = {device.device_id: (product, found[device.device_id]) for device, product in asked}


def _place(device: Claimed) -> Place:
    """Return what must not have changed since windows were kept, if they are to go on."""
    return device.state.until, device.state.received, device.late_readings


def _log_outcome(device: Claimed, outcome: Outcome, *, in_shadow: bool = False) -> None:
    shadow = {"in_shadow": True} if in_shadow else {}
    _log.info(outcome.reason, action=f"rules.{outcome.kind}", device_id=device.device_id, rule=outcome.rule, **shadow)
