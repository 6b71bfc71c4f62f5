"""Whether this process lives, and whether it can serve."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from iot_service.api.dependencies import Transaction
from iot_service.api.problems import problem
from iot_service.db.health import pending_migrations

router = APIRouter(tags=["health"])


@router.get("/health/live")
@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """Answer for as long as the loop moves that answers everything: without a thread and without the database."""
    return {"status": "alive"}


@router.get("/health/ready", response_model=dict[str, str])
@router.get("/readyz", response_model=dict[str, str])
def is_ready(connection: Transaction) -> dict[str, str] | Response:
    """Answer 200 while the database answers and has the newest schema, else 503."""
    missing = pending_migrations(connection)
    if missing:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, f"the schema lacks {', '.join(missing)}: run `iot-service migrate`"
        )
    return {"status": "ready"}
