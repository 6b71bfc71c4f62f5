"""Jobs: work for technicians."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from iot_service.api.auth import Current
from iot_service.api.dependencies import Now, Transaction
from iot_service.api.ids import BigId
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.needs import ReasonInput
from iot_service.api.resources.routing import resource
from iot_service.api.store import QUERIES
from iot_service.customers.inputs import Input
from iot_service.db import Connection
from iot_service.dispatch import jobs
from iot_service.errors import NotFoundError
from iot_service.model.need import Severity
from iot_service.model.work import JobState

router = resource("jobs")


class JobOutput(BaseModel):
    """One job; ``technician_id`` is who is asked or goes."""

    id: int
    need_id: int
    device_id: str
    customer_id: str
    site_id: str
    service: str
    skill: str
    severity: Severity
    state: JobState
    technician_id: str | None
    answer_by: datetime | None
    created_at: datetime
    updated_at: datetime


class AdvanceInput(Input):
    """How far the technician has come."""

    state: Literal[JobState.EN_ROUTE, JobState.ON_SITE, JobState.COMPLETED]


@router.get("")
def list_jobs(
    connection: Transaction,
    paging: AtPage,
    customer_id: str | None = None,
    device_id: str | None = None,
    technician_id: str | None = None,
    state: JobState | None = None,
) -> Page[JobOutput]:
    """List jobs, newest first."""
    filters = {"customer_id": customer_id, "device_id": device_id, "technician_id": technician_id, "state": state}
    rows = QUERIES["jobs"].all(connection, **filters, before=paging.before, limit=paging.fetch)
    return paging.page([JobOutput(**row) for row in rows], lambda job: job.id)


@router.get("/{job_id}")
def get_job(connection: Transaction, job_id: BigId) -> JobOutput:
    """Return one job."""
    return _job(connection, job_id)


@router.post("/{job_id}/advance")
def advance_job(connection: Transaction, principal: Current, now: Now, job_id: BigId, body: AdvanceInput) -> JobOutput:
    """Report for the technician that he is on the way, on site, or done."""
    jobs.advance(connection, job_id, body.state, technician_id=None, actor=principal.actor, now=now)
    return _job(connection, job_id)


@router.post("/{job_id}/cancel")
def cancel_job(connection: Transaction, principal: Current, now: Now, job_id: BigId, body: ReasonInput) -> JobOutput:
    """Call a job off."""
    jobs.cancel(connection, job_id, reason=body.reason, actor=principal.actor, now=now)
    return _job(connection, job_id)


def _job(connection: Connection, job_id: int) -> JobOutput:
    row = QUERIES["job"].first(connection, id=job_id)
    if row is None:
        raise NotFoundError(f"there is no job {job_id}")
    return JobOutput(**row)
