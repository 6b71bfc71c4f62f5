"""The steps of a command."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from iot_service.commands.command import STEPS, Command, expiry_seconds, step
from iot_service.errors import ConflictError
from iot_service.model.command import OPEN, CommandState
from iot_service.model.event import EventType
from tests.factories import NOW

COMMAND = Command(
    id=17, device_id="freezer-1", customer_id="anna", name="defrost", args={}, state=CommandState.QUEUED,
    timeout=timedelta(seconds=30), retries=2, attempts=0, claims=0, created_at=NOW, created_by="x", expires_at=None,
    wake_at=None, sent_at=None, ended_at=None, answered_at=None, answer=None, reason=None,
)  # fmt: skip


def test_every_event_about_commands_is_a_step() -> None:
    assert set(STEPS) == {kind for kind in EventType if kind.value.startswith("command.")}


@pytest.mark.parametrize("state", sorted(set(CommandState) - OPEN))
def test_a_final_state_stays(state: CommandState) -> None:
    ended = replace(COMMAND, state=state)
    for event in set(STEPS) - {EventType.COMMAND_ANSWERED_LATE}:
        with pytest.raises(ConflictError, match="Command 17"):
            step(ended, event)
    assert step(ended, EventType.COMMAND_ANSWERED_LATE) is state


@pytest.mark.parametrize(("left", "expected"), [(90, 30), (30, 30), (7.2, 8), (0.1, 1), (-3, 1)])
def test_the_broker_keeps_an_attempt_no_longer_than_it_counts(left: float, expected: int) -> None:
    assert expiry_seconds(COMMAND, left=timedelta(seconds=left)) == expected
