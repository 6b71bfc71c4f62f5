"""What commands keep in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from iot_service.commands.command import Command
from iot_service.db import Connection, Jsonb, load_queries
from iot_service.model.command import CommandState
from iot_service.model.device import ServiceState

_QUERIES = load_queries("iot_service.commands")


@dataclass(frozen=True, slots=True)
class Todo:
    """A device answered (``answer``) or came online (None), ``at`` (UTC)."""

    device_id: str
    at: datetime
    answer: Mapping[str, Any] | None


def lock_device(connection: Connection, device_id: str) -> tuple[str, ServiceState] | None:
    """Hold a device until the end of the transaction; return its product and service state, None where there is none.

    Whoever adds or ends a command of the device does this first, or a command could be left without a turn.
    """
    row = _QUERIES["lock_device"].first(connection, device_id=device_id)
    return (row["product"], ServiceState(row["service_state"])) if row else None


def count_open(connection: Connection, device_id: str) -> int:
    """Return how many commands of a device are open."""
    return int(_QUERIES["open_commands"].one(connection, device_id=device_id)["waiting"])


def insert(
    connection: Connection,
    device_id: str,
    name: str,
    args: Mapping[str, Any],
    *,
    timeout: timedelta,
    retries: int,
    actor: str,
    now: datetime,
) -> int:
    """Write a queued command that has not the turn yet, and return its id."""
    row = _QUERIES["insert_command"].one(
        connection,
        device_id=device_id,
        name=name,
        args=Jsonb(dict(args)),
        timeout=timeout,
        retries=retries,
        actor=actor,
        now=now,
    )
    return int(row["id"])


def next_in_line(connection: Connection, device_id: str) -> tuple[int, timedelta] | None:
    """Return the id of the device's oldest open command and how long it may take in all (of life).

    None where there is none, or it has the turn already.
    """
    row = _QUERIES["next_in_line"].first(connection, device_id=device_id)
    if row is None or row["has_turn"]:
        return None
    return row["id"], row["timeout"] * (row["retries"] + 1)


def give_turn(connection: Connection, command_id: int, *, expires_at: datetime, now: datetime) -> None:
    """Let a command be sent from now on, until ``expires_at``."""
    _QUERIES["give_turn"].run(connection, id=command_id, expires_at=expires_at, now=now)


def find(connection: Connection, command_id: int, *, lock: bool = False) -> Command | None:
    """Return one command, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_command"].first(connection, id=command_id)
    row = _QUERIES["command"].first(connection, id=command_id)
    return _command(row) if row else None


def page(
    connection: Connection, device_id: str, *, state: CommandState | None, before: int | None, limit: int
) -> list[Command]:
    """Return up to ``limit`` commands of a device with an id below ``before``, newest first."""
    rows = _QUERIES["commands_of"].all(connection, device_id=device_id, state=state, before=before, limit=limit)
    return [_command(row) for row in rows]


def claim_due(connection: Connection, *, now: datetime, until: datetime) -> Command | None:
    """Claim the command that has been due longest, until ``until``; None where none is, or others have them."""
    row = _QUERIES["claim_due"].first(connection, now=now, until=until)
    return find(connection, row["id"]) if row else None


def is_away(connection: Connection, device_id: str) -> bool:
    """Return whether the device is known to be offline; one that never said anything about it is not."""
    row = _QUERIES["is_away"].first(connection, device_id=device_id)
    return bool(row and row["away"])


def postpone(connection: Connection, command: Command, *, wake_at: datetime) -> None:
    """Give a claimed command back, to be looked at again at ``wake_at``, or when it expires."""
    _QUERIES["postpone"].run(connection, id=command.id, claims=command.claims, wake_at=wake_at)


def mark_sent(connection: Connection, command: Command, *, wake_at: datetime, now: datetime) -> bool:
    """Note that the broker has taken a claimed command; False where it ended meanwhile, or another attempt began."""
    return _QUERIES["mark_sent"].run(connection, id=command.id, claims=command.claims, wake_at=wake_at, now=now) == 1


def end(
    connection: Connection,
    command: Command,
    state: CommandState,
    *,
    reason: str | None,
    now: datetime,
    answer: Mapping[str, Any] | None = None,
    answered_at: datetime | None = None,
) -> None:
    """Write a command's final state."""
    _QUERIES["end_command"].run(
        connection,
        id=command.id,
        state=state,
        reason=reason,
        now=now,
        answer=Jsonb(dict(answer)) if answer is not None else None,
        answered_at=answered_at,
    )


def keep_answer(connection: Connection, command: Command, *, answer: Mapping[str, Any], answered_at: datetime) -> bool:
    """Keep an answer that came after the end; False where an answer is kept already."""
    values = {"answer": Jsonb(dict(answer)), "answered_at": answered_at}
    return _QUERIES["keep_answer"].run(connection, id=command.id, **values) == 1


def claim_todo(connection: Connection) -> Todo | None:
    """Take the oldest thing to look at that nobody holds; it is done when the transaction is committed."""
    row = _QUERIES["claim_todo"].first(connection)
    return Todo(**row) if row else None


def wake_device(connection: Connection, device_id: str, *, now: datetime) -> None:
    """Let a queued command of a device that came online be sent at once."""
    _QUERIES["wake_device"].run(connection, device_id=device_id, now=now)


def _command(row: dict[str, Any]) -> Command:
    return Command(**{**row, "state": CommandState(row["state"])})
