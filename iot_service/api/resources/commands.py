"""Commands: what devices are told to do, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from iot_service import metrics
from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.needs import ReasonInput
from iot_service.api.resources.routing import resource
from iot_service.commands import sending, store
from iot_service.commands.command import Command
from iot_service.customers.fields import Span
from iot_service.customers.inputs import Input
from iot_service.customers.store import get_device
from iot_service.model.command import CommandState
from iot_service.model.event import EventType

_of_device = resource("devices")
_commands = resource("commands")


class CommandInput(Input):
    """What a device shall do.

    ``name`` and ``args`` are checked against its product model. ``timeout`` (1 s to 1 day) is how long each attempt
    waits for the answer, ``retries`` (0 to 10) how often it is repeated; left out, the product model says.
    """

    name: Annotated[str, Field(max_length=64)]
    args: dict[str, Any] = Field(default_factory=dict)
    timeout: Span | None = None
    retries: int | None = None


class CommandOutput(BaseModel):
    """One command. ``attempts`` counts those that the broker took; ``answer`` is what the device said, as it came."""

    id: int
    device_id: str
    name: str
    args: dict[str, Any]
    state: CommandState
    timeout: timedelta
    retries: int
    attempts: int
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    answered_at: datetime | None
    answer: dict[str, Any] | None
    reason: str | None


@_of_device.post("/{device_id}/commands", status_code=201)
def send_command(
    connection: Transaction,
    catalog: TheCatalog,
    principal: Current,
    now: Now,
    response: Response,
    device_id: str,
    body: CommandInput,
) -> CommandOutput:
    """Queue a command; it is sent at once, or when those before it have ended and the device is there."""
    command_id = sending.send(
        connection,
        device_id,
        body.name,
        body.args,
        catalog=catalog,
        actor=principal.actor,
        now=now,
        timeout=body.timeout,
        retries=body.retries,
    )
    metrics.count_command(EventType.COMMAND_QUEUED)
    response.headers["Location"] = f"/v1/commands/{command_id}"
    return _output(sending.get(connection, command_id))


@_of_device.get("/{device_id}/commands")
def list_commands(
    connection: Transaction, paging: AtPage, device_id: str, state: CommandState | None = None
) -> Page[CommandOutput]:
    """List a device's commands, newest first, in one state or in all."""
    get_device(connection, device_id)
    rows = store.page(connection, device_id, state=state, before=paging.before, limit=paging.fetch)
    return paging.page([_output(command) for command in rows], lambda command: command.id)


@_commands.get("/{command_id}")
def get_command(connection: Transaction, command_id: BigId) -> CommandOutput:
    """Return one command."""
    return _output(sending.get(connection, command_id))


@_commands.post("/{command_id}/cancel")
def cancel_command(
    connection: Transaction, principal: Current, now: Now, command_id: BigId, body: ReasonInput
) -> CommandOutput:
    """Call a command off; one that was sent already may still be carried out."""
    before = sending.get(connection, command_id).state
    command = sending.cancel(connection, command_id, reason=body.reason, actor=principal.actor, now=now)
    if command.state is not before:
        metrics.count_command(EventType.COMMAND_CANCELLED)
    return _output(command)


def _output(command: Command) -> CommandOutput:
    return CommandOutput.model_validate(command, from_attributes=True)


router = APIRouter()
router.include_router(_of_device)
router.include_router(_commands)
