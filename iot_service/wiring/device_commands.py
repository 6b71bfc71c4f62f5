"""`command …`: commands to devices, from the command line; a running ingest process carries them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta

from iot_service import clock
from iot_service.commands import sending, store
from iot_service.commands.command import Command
from iot_service.config import Settings
from iot_service.customers.store import get_device
from iot_service.db import Database
from iot_service.durations import parse_duration
from iot_service.errors import InvalidInputError
from iot_service.model.command import OPEN, CommandState
from iot_service.wiring.installation import engines, open_catalog, open_database

_ACTOR = "command line"
_LOOK_EVERY = 0.2  # seconds
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Result:
    """What to print, and whether the device did it or may still do it."""

    text: str
    well: bool


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    with engines(settings, broker=False) as complete, open_database(complete) as database:
        yield database


def send_command(
    settings: Settings,
    device: str,
    name: str,
    pairs: list[str],
    *,
    timeout: str | None,
    retries: int | None,
    wait: bool,
) -> Result:
    """Queue a command with the arguments ``pairs`` (NAME=VALUE); with ``wait`` return when it has ended.

    Raises InvalidInputError that names the argument or option, NotFoundError and ConflictError.
    """
    args = dict(map(_argument, pairs))
    span = _timeout(timeout) if timeout is not None else None
    with _database(settings) as database:
        with database.transaction() as connection:
            command_id = sending.send(
                connection,
                device,
                name,
                args,
                catalog=open_catalog(settings),
                actor=_ACTOR,
                now=clock.now(),
                timeout=span,
                retries=retries,
            )
            command = sending.get(connection, command_id)
        while wait and command.state in OPEN:
            time.sleep(_LOOK_EVERY)
            with database.transaction() as connection:
                command = sending.get(connection, command_id)
    return Result(_line(command), command.state in OPEN or command.state is CommandState.ACKNOWLEDGED)


def show_command(settings: Settings, command_id: int) -> str:
    """Return everything about one command; raises NotFoundError."""
    with _database(settings) as database, database.transaction() as connection:
        command = sending.get(connection, command_id)
    lines = [_line(command), f"args: {json.dumps(dict(command.args), ensure_ascii=False)}"]
    if command.answer is not None:
        lines.append(f"answer: {json.dumps(dict(command.answer), ensure_ascii=False)}")
    return "\n".join(lines)


def list_commands(settings: Settings, device: str) -> str:
    """Return the newest commands of a device, one a line; raises NotFoundError where there is no such device."""
    with _database(settings) as database, database.transaction() as connection:
        get_device(connection, device)
        commands = store.page(connection, device, state=None, before=None, limit=_SHOWN)
    return "\n".join(map(_line, commands)) or f"{device} was never told anything"


def cancel_command(settings: Settings, command_id: int, reason: str) -> str:
    """Call a command off; raises NotFoundError, and ConflictError where it has ended."""
    with _database(settings) as database, database.transaction() as connection:
        command = sending.cancel(connection, command_id, reason=reason, actor=_ACTOR, now=clock.now())
    return _line(command)


def _argument(pair: str) -> tuple[str, object]:
    name, sign, text = pair.partition("=")
    if not (name and sign):
        raise InvalidInputError("write NAME=VALUE, for example setpoint=-80", field=f"arg {pair}")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _timeout(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInputError(str(error), field="timeout") from None


def _line(command: Command) -> str:
    reason = f": {command.reason}" if command.reason else ""
    made = f"{command.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return f"command {command.id} ({command.name}, {command.device_id}, {made} UTC) is {command.state}{reason}"
