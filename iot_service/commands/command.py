"""A command to a device, its states, and every step between them.

::

    queued ──▶ sent ──▶ acknowledged   the device says ok
      │  │      │ ├──▶ refused        the device says no, with its reason
      │  │      │ ├──▶ expired        no answer in timeout × (retries + 1)
      │  │      │ └──▶ cancelled      a person called it off; it may still reach the device
      │  └──────┴ an answer may overtake the broker's acknowledgement, so it is taken while queued as well
      └──▶ expired, cancelled          it never was sent
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from iot_service.errors import ConflictError
from iot_service.model.command import OPEN, CommandState
from iot_service.model.event import EventType

_QUEUED, _SENT = CommandState.QUEUED, CommandState.SENT
_FINAL = frozenset(CommandState) - OPEN

STEPS: Mapping[EventType, tuple[frozenset[CommandState], CommandState | None]] = {
    EventType.COMMAND_QUEUED: (frozenset(), _QUEUED),
    EventType.COMMAND_SENT: (frozenset({_QUEUED}), _SENT),
    EventType.COMMAND_REPEATED: (frozenset({_SENT}), _SENT),
    EventType.COMMAND_ACKNOWLEDGED: (OPEN, CommandState.ACKNOWLEDGED),
    EventType.COMMAND_REFUSED: (OPEN, CommandState.REFUSED),
    EventType.COMMAND_EXPIRED: (OPEN, CommandState.EXPIRED),
    EventType.COMMAND_CANCELLED: (OPEN, CommandState.CANCELLED),
    EventType.COMMAND_ANSWERED_LATE: (_FINAL, None),
}
"""All steps there are: the event, the states it may happen in, and the state it leads to (None: it stays)."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a device is told to do.

    ``timeout`` is how long each attempt waits for the answer, of life. ``attempts`` counts those that the broker
    acknowledged. All instants are UTC: ``expires_at`` is None until its turn comes, ``wake_at`` is when something is
    due with it, ``sent_at`` the last attempt. ``answer`` is what the device said, ``reason`` why it ended as it did.
    ``claims`` tells one attempt from the next.
    """

    id: int
    device_id: str
    customer_id: str
    name: str
    args: Mapping[str, Any]
    state: CommandState
    timeout: timedelta
    retries: int
    attempts: int
    claims: int
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    wake_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    answered_at: datetime | None
    answer: Mapping[str, Any] | None
    reason: str | None


def step(command: Command, event: EventType) -> CommandState:
    """Return the state that ``event`` leads to; raises ConflictError, in words for people, where it cannot happen."""
    allowed, new = STEPS[event]
    if command.state not in allowed:
        raise ConflictError(f"Command {command.id} is {command.state} already.")
    return new or command.state


def expiry_seconds(command: Command, *, left: timedelta) -> int:
    """Return for how many seconds (of life) the broker may keep one attempt of ``command``; at least 1.

    ``left`` is how long (of life) the command may still be answered. One attempt is gone when the next is made, so a
    device that comes back finds one copy at the most, and none of a command that has expired.
    """
    seconds = min(command.timeout, left).total_seconds()
    return max(1, -int(-seconds // 1))
