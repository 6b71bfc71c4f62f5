"""Commands as people and programs use them: sent, looked at, called off; and how they take turns.

Who adds or ends a command holds its device's row, so that exactly one command of a device has the turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from iot_service import clock
from iot_service.commands import store
from iot_service.commands.arguments import check_arguments, find_command
from iot_service.commands.command import Command, step
from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.command import CommandState
from iot_service.model.device import ServiceState
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog

MOST_OPEN = 100
"""So many commands of one device may be open: beyond that something sends without looking at the answers."""

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=1)
"""Bounds of ``timeout``."""

MOST_RETRIES = 10


def send(
    connection: Connection,
    device_id: str,
    name: str,
    args: Mapping[str, object],
    *,
    catalog: Catalog,
    actor: str,
    now: datetime,
    timeout: timedelta | None = None,
    retries: int | None = None,
) -> int:
    """Queue a command for a device and return its id; the runner sends it, in its turn.

    ``timeout`` (of life) and ``retries`` are those of the product model where they are None. Raises NotFoundError where
    there is no such device, InvalidInputError that names the field where the product model has no such command or
    argument, ConflictError where the device is retired or too many commands wait for it.
    """
    found = store.lock_device(connection, device_id)
    if found is None:
        raise NotFoundError(f"There is no device {device_id}.")
    product, service_state = found
    model = catalog.products.get(product)
    if model is None:
        raise ConflictError(f"There is no product model {product} any more, so nobody knows what {device_id} can do.")
    spec = find_command(model, name)
    checked = check_arguments(spec, args)
    if timeout is not None and not SHORTEST <= timeout <= LONGEST:
        raise InvalidInputError("must be from 1 s to 1 day", field="timeout")
    if retries is not None and not 0 <= retries <= MOST_RETRIES:
        raise InvalidInputError(f"must be from 0 to {MOST_RETRIES}", field="retries")
    if service_state is ServiceState.RETIRED:
        raise ConflictError(f"Device {device_id} is retired; it takes no commands.")
    if store.count_open(connection, device_id) >= MOST_OPEN:
        raise ConflictError(f"{MOST_OPEN} commands wait for {device_id} already; wait, or cancel some.")
    command_id = store.insert(
        connection,
        device_id,
        name,
        checked,
        timeout=spec.timeout if timeout is None else timeout,
        retries=spec.retries if retries is None else retries,
        actor=actor,
        now=now,
    )
    give_turn(connection, device_id, now=now)
    command = get(connection, command_id)
    note(connection, command, EventType.COMMAND_QUEUED, CommandState.QUEUED, f"{actor} sent {name}.", actor, now)
    return command_id


def cancel(connection: Connection, command_id: int, *, reason: str, actor: str, now: datetime) -> Command:
    """Call a command off and return it; a cancelled one stays so. One that was sent may still reach the device.

    Raises NotFoundError, and ConflictError where it has ended otherwise.
    """
    command = hold(connection, command_id)
    if command.state is CommandState.CANCELLED:
        return command
    end(connection, command, EventType.COMMAND_CANCELLED, reason=reason, actor=actor, now=now)
    return get(connection, command_id)


def get(connection: Connection, command_id: int) -> Command:
    """Return one command; raises NotFoundError."""
    command = store.find(connection, command_id)
    if command is None:
        raise NotFoundError(f"There is no command {command_id}.")
    return command


def hold(connection: Connection, command_id: int) -> Command:
    """Return one command, its device and then itself held until the end of the transaction; raises NotFoundError."""
    store.lock_device(connection, get(connection, command_id).device_id)
    command = store.find(connection, command_id, lock=True)
    assert command is not None, "commands are never deleted one by one"
    return command


def end(
    connection: Connection,
    command: Command,
    event: EventType,
    *,
    reason: str,
    actor: str,
    now: datetime,
    answer: Mapping[str, Any] | None = None,
    answered_at: datetime | None = None,
) -> None:
    """End a command that is held (see :func:`hold`) by ``event``, and give the turn to the next one of its device.

    Raises ConflictError where the step is not possible.
    """
    state = step(command, event)
    store.end(connection, command, state, reason=reason, now=now, answer=answer, answered_at=answered_at)
    note(connection, command, event, state, reason, actor, now)
    give_turn(connection, command.device_id, now=now)


def give_turn(connection: Connection, device_id: str, *, now: datetime) -> None:
    """Give the turn to the oldest open command of a device that is held, unless it has it."""
    found = store.next_in_line(connection, device_id)
    if found is not None:
        command_id, life = found
        store.give_turn(connection, command_id, expires_at=now + clock.during(life), now=now)


def note(
    connection: Connection,
    command: Command,
    event: EventType,
    new: CommandState,
    reason: str,
    actor: str,
    now: datetime,
    attempt: int | None = None,
) -> None:
    """Record what happened to a command. Its arguments stay out of the log, which is never erased."""
    record(
        connection,
        Event(
            type=event,
            at=now,
            subject_id=str(command.id),
            device_id=command.device_id,
            customer_id=command.customer_id,
            old=None if event is EventType.COMMAND_QUEUED else command.state.value,
            new=new.value,
            actor=actor,
            reason=reason,
            data={"name": command.name, **({"attempt": attempt} if attempt else {})},
        ),
    )
