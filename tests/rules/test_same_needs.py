"""The same readings give the same needs: however they are cut into batches, sent again, and whatever is restarted.

Any rules over any notions, any telemetry: what comes of it in one piece must come of it in pieces, to the last letter
of every reason and of the state that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample, SampleKind
from iot_service.products.rule_spec import RuleSpec
from iot_service.rules.compiled import MAINTENANCE, CompiledProduct
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.outcomes import Outcome
from iot_service.rules.state import DeviceState, from_json, to_json
from iot_service.rules.windows import Window, Windows
from tests.rules.rule_sets import MODEL, OSLO, Message, compiled, rule_sets, telemetry

HOUR = timedelta(hours=1)


@dataclass
class Device:
    """One device being judged, which can be stopped and taken up again at any time."""

    product: CompiledProduct
    state: DeviceState
    facts: dict[str, float] = field(default_factory=lambda: dict(MODEL.parameters))
    outcomes: list[Outcome] = field(default_factory=list)
    folded: list[Sample] = field(default_factory=list)
    fold: DeviceFold | None = None

    def take(
        self, samples: Sequence[Sample], changes: Sequence[FactChange] = (), *, quiet_until: datetime | None = None
    ) -> None:
        """Fold one batch, of which nothing may have been folded yet, or all of it."""
        fold = self.fold = self.fold or self._taken_up()
        done = len(fold.outcomes)
        self.folded += [sample for sample in samples if not fold.state.is_past(sample.ts, sample.received_at)]
        fold.advance(samples, changes, quiet_until=quiet_until)
        self.facts |= {change.name: change.value for change in changes}
        self.outcomes += fold.outcomes[done:]

    def restart(self) -> None:
        """Forget everything but what is kept in the database."""
        if self.fold is not None:
            state = self.fold.state
            saved = orjson.loads(orjson.dumps(to_json(state)))
            self.state = from_json(saved, service_state=state.service_state, until=state.until, received=state.received)
            self.fold = None

    @property
    def until(self) -> datetime | None:
        """Where judging stands."""
        return self.fold.state.until if self.fold is not None else self.state.until

    def _taken_up(self) -> DeviceFold:
        windows = Windows(Window(key) for key in self.product.windows)
        for sample in self.folded:
            if sample.kind is SampleKind.READING and isinstance(sample.value, float):
                windows.add(sample.name, sample.ts, sample.value)
        if self.state.until is not None:
            windows.forget(self.state.until)  # what is built from stored readings begins where the window does
        facts = {name: value for name, value in self.facts.items() if name != MAINTENANCE or value}
        return DeviceFold(self.product, self.state, windows, facts, OSLO)

    def result(self) -> tuple[list[Outcome], dict[str, Any]]:
        """Return all that happened, and what is kept in the end."""
        assert self.fold is not None
        return self.outcomes, to_json(self.fold.state)


def end_of(messages: Sequence[Message]) -> datetime:
    """The time of the last thing in ``messages``."""
    return max(times(messages))


def flat(messages: Sequence[Message]) -> tuple[list[Sample], list[FactChange]]:
    """All samples and all changes of ``messages``."""
    return [s for message in messages for s in message.samples], [c for message in messages for c in message.changes]


def in_one(device: Device, messages: Sequence[Message]) -> Device:
    """Judge all of ``messages`` at once, and the silence after them."""
    device.take(*flat(messages))
    device.take([], quiet_until=end_of(messages) + 3 * HOUR)
    return device


def times(messages: Sequence[Message]) -> list[datetime]:
    """The time of all that is in ``messages``."""
    samples, changes = flat(messages)
    return [sample.ts for sample in samples] + [change.at for change in changes]


@dataclass(frozen=True)
class Step:
    """So many messages in a batch, and what happens until the next one.

    ``again`` of those before come once more, ``backwards`` in each message the last value stands first. ``look`` is how
    far into the silence before the next message the device is looked at.
    """

    messages: int
    again: int
    backwards: bool
    restart: bool
    look: float | None
    restart_again: bool


def in_parts(device: Device, messages: Sequence[Message], plan: Sequence[Step]) -> Device:
    """Judge ``messages`` as ``plan`` says, over and over until all are there, and the silence after them."""
    place, number = 0, 0
    while place < len(messages):
        step = plan[number % len(plan)]
        until, number = place + step.messages, number + 1
        batch = [replace(m, samples=m.samples[::-1]) if step.backwards else m for m in messages[place:until]]
        device.take(*flat(batch))
        device.take(flat(messages[max(until - step.again, 0) : until])[0])
        if step.restart:
            device.restart()
        place, stands, later = until, device.until, times(messages[until:])
        if step.look is not None and stands is not None and later and min(later) > stands:
            device.take([], quiet_until=stands + step.look * (min(later) - stands))
            if step.restart_again:
                device.restart()
    device.take([], quiet_until=end_of(messages) + 3 * HOUR)
    return device


def new_device(product: CompiledProduct, service_state: ServiceState) -> Device:
    """A device of which nothing was heard yet."""
    return Device(product, DeviceState(service_state))


has_something = telemetry().filter(lambda messages: bool(times(messages)))
states = st.sampled_from([ServiceState.IN_SERVICE, ServiceState.IN_SERVICE, ServiceState.COMMISSIONING])
plans = st.lists(
    st.builds(
        Step,
        messages=st.sampled_from([1, 1, 2, 5, 100]),
        again=st.sampled_from([0, 0, 1, 7]),
        backwards=st.booleans(),
        restart=st.booleans(),
        look=st.sampled_from([None, None, 0.01, 0.5, 0.999]),
        restart_again=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(specs=rule_sets(), messages=has_something, service_state=states, plan=plans)
def test_batches_order_redelivery_restarts_and_looks_between_change_nothing(
    specs: list[RuleSpec], messages: list[Message], service_state: ServiceState, plan: list[Step]
) -> None:
    product = compiled(specs)
    whole = in_one(new_device(product, service_state), messages)
    assert in_parts(new_device(product, service_state), messages, plan).result() == whole.result()
