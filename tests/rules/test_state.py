"""What is kept of a device between two runs."""

from __future__ import annotations

import json
from datetime import timedelta

from iot_service.model.device import ServiceState
from iot_service.rules.lifecycle import INACTIVE, Phase, RuleState
from iot_service.rules.state import DeviceState, from_json, to_json
from tests.rules.telemetry import START

SECOND = timedelta(seconds=1)


def test_state_comes_back_from_json_as_it_was() -> None:
    state = DeviceState(
        ServiceState.COMMISSIONING,
        START,
        START + SECOND,
        readings={"temperature": (START, -70.25)},
        attributes={"codes": (START, ("a", "b")), "firmware": (START, "1.2")},
        facts={"setpoint": -70.0},
        rules={"warm": RuleState(Phase.PENDING, START), "silent": INACTIVE},
        ready_since=START,
        recheck_at=START + SECOND,
        heard=START + SECOND,
    )
    data = json.loads(json.dumps(to_json(state)))
    assert from_json(data, service_state=state.service_state, until=state.until, received=state.received) == state


def test_a_device_never_seen_before_has_nothing() -> None:
    state = from_json({}, service_state=ServiceState.IN_SERVICE, until=None, received=None)
    assert state == DeviceState(ServiceState.IN_SERVICE)
    assert not state.is_past(START, START)


def test_samples_are_past_by_time_and_then_by_receipt() -> None:
    state = DeviceState(ServiceState.IN_SERVICE, START, START + SECOND)
    assert state.is_past(START - SECOND, START + 9 * SECOND)
    assert state.is_past(START, START + SECOND)
    assert not state.is_past(START, START + 2 * SECOND)
    assert not state.is_past(START + SECOND, START)
    state.received = None
    assert state.is_past(START, START + 2 * SECOND), "a timer was judged at this instant"
