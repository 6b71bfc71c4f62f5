"""What devices say about commands, matched with the commands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iot_service import logs
from iot_service.commands import sending, store
from iot_service.commands.command import Command
from iot_service.commands.store import Todo
from iot_service.db import Connection
from iot_service.errors import NotFoundError
from iot_service.model.command import OPEN
from iot_service.model.event import EventType

_LARGEST_ID = 2**63 - 1
_REASON_LENGTH = 500
_log = logs.get(__name__)


def take(connection: Connection, todo: Todo, *, now: datetime) -> EventType | None:
    """Act on what a device said or did; return what happened to a command by it, None if nothing.

    An answer to what is no command of this device, or a second answer, changes nothing.
    """
    if todo.answer is None:
        store.wake_device(connection, todo.device_id, now=now)
        return None
    command = _answered(connection, todo)
    if command is None:
        _log.info("a device answered no command of its own", action="command.unmatched", device_id=todo.device_id)
        return None
    if command.state not in OPEN:
        return _late(connection, command, todo, now)
    ok = todo.answer.get("ok") is True
    event = EventType.COMMAND_ACKNOWLEDGED if ok else EventType.COMMAND_REFUSED
    sending.end(
        connection,
        command,
        event,
        reason="The device did it." if ok else f"The device refused: {_words(todo.answer)}",
        actor=f"device:{todo.device_id}",
        now=now,
        answer=todo.answer,
        answered_at=todo.at,
    )
    return event


def _answered(connection: Connection, todo: Todo) -> Command | None:
    """Return the command that was answered, held; the id may come as a number or as its text."""
    given = (todo.answer or {}).get("id")
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > _LARGEST_ID:
        return None
    try:
        command = sending.get(connection, int(text))
    except NotFoundError:
        return None
    # Looked at before it is held: nobody may hold up another's device by answering for it.
    return sending.hold(connection, command.id) if command.device_id == todo.device_id else None


def _late(connection: Connection, command: Command, todo: Todo, now: datetime) -> EventType | None:
    if not store.keep_answer(connection, command, answer=todo.answer or {}, answered_at=todo.at):
        return None
    reason = f"The device answered a command that was {command.state} already."
    event = EventType.COMMAND_ANSWERED_LATE
    sending.note(connection, command, event, command.state, reason, f"device:{todo.device_id}", now)
    return event


def _words(answer: Mapping[str, Any]) -> str:
    """Return the device's reason as one line."""
    said = answer.get("error", answer.get("data"))
    text = said if isinstance(said, str) else repr(said) if said is not None else "it gave no reason"
    return " ".join(text.split())[:_REASON_LENGTH] or "it gave no reason"
