"""Dead letters: messages of any device that were not understood, and a second look at them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path
from pydantic import BaseModel

from iot_service.api.auth import Current, allow
from iot_service.api.dependencies import Now, TheCatalog, TheRouter, TheSettings, Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.principal import Role
from iot_service.api.resources.devices import DeadLetterOutput
from iot_service.api.resources.routing import resource
from iot_service.api.resources.telemetry import FaultOutput
from iot_service.api.store import QUERIES
from iot_service.errors import NotFoundError
from iot_service.ingest.batches import Context
from iot_service.ingest.replaying import store
from iot_service.ingest.replaying.replay import Outcome, Reader, replay

router = resource("dead_letters")


class ReplayedOutput(BaseModel):
    """What came of a letter that was read again; ``faults`` say what is wrong still."""

    outcome: Outcome
    faults: list[FaultOutput]


@router.get("")
def list_dead_letters(
    connection: Transaction, paging: AtPage, device_id: str | None = None, reason: str | None = None
) -> Page[DeadLetterOutput]:
    """List messages that were not understood, newest first: of one device or reason, or all."""
    rows = QUERIES["dead_letters"].all(
        connection, device_id=device_id, reason=reason, before=paging.before, limit=paging.fetch
    )
    return paging.page([DeadLetterOutput(**row) for row in rows], lambda letter: letter.id)


@router.post("/{letter_id}/replay", dependencies=[Depends(allow(Role.OPERATOR))])
def replay_dead_letter(
    connection: Transaction,
    catalog: TheCatalog,
    settings: TheSettings,
    message_router: TheRouter,
    principal: Current,
    now: Now,
    letter_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> ReplayedOutput:
    """Read a message again, as after a fix: what can be stored is stored and its letter removed, else it stays."""
    letter = store.get(connection, letter_id, hold=True)
    if letter is None:
        raise NotFoundError(f"there is no dead letter {letter_id}, or somebody is replaying it")
    reader = Reader(Context.of(catalog, settings), message_router)
    replayed = replay(connection, letter, reader, actor=principal.actor, now=now)
    faults = [FaultOutput(reason=reason, detail=detail) for reason, detail in replayed.failures]
    return ReplayedOutput(outcome=replayed.outcome, faults=faults)
