"""Whether this process lives, and whether it can serve."""

from __future__ import annotations

from fastapi import APIRouter

from iot_service.api.dependencies import Transaction
from iot_service.api.store import QUERIES

router = APIRouter(tags=["health"])


@router.get("/healthz")
def is_alive() -> dict[str, str]:
    """Answer for as long as the process lives."""
    return {"status": "alive"}


@router.get("/readyz")
def is_ready(connection: Transaction) -> dict[str, str]:
    """Answer 200 while the database answers, 503 while it does not."""
    QUERIES["answers"].one(connection)
    return {"status": "ready"}
