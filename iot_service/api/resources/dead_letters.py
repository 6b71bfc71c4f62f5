"""Dead letters: messages of any device that were not understood."""

from __future__ import annotations

from iot_service.api.dependencies import Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.devices import DeadLetterOutput
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES

router = resource("dead_letters")


@router.get("")
def list_dead_letters(connection: Transaction, paging: AtPage) -> Page[DeadLetterOutput]:
    """List messages that were not understood, newest first."""
    rows = QUERIES["dead_letters"].all(connection, device_id=None, before=paging.before, limit=paging.fetch)
    return paging.page([DeadLetterOutput(**row) for row in rows], lambda letter: letter.id)
