"""What dispatch keeps in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from psycopg.errors import ExclusionViolation

from iot_service.db import Connection, load_queries
from iot_service.dispatch.assign import Choice, Technician
from iot_service.dispatch.job import Job
from iot_service.model.geography import Place
from iot_service.model.need import Need, Severity
from iot_service.model.work import Answer, JobState
from iot_service.products.model import Service

_QUERIES = load_queries("iot_service.dispatch")


def job(connection: Connection, job_id: int, *, lock: bool = False) -> Job | None:
    """Return one job, or None; ``lock`` holds it until the end of the transaction."""
    if lock:
        _QUERIES["lock_job"].first(connection, id=job_id)
    row = _QUERIES["job"].first(connection, id=job_id)
    if row is None:
        return None
    place = Place(row.pop("latitude"), row.pop("longitude"))
    return Job(**{**row, "place": place, "state": JobState(row["state"]), "severity": Severity(row["severity"])})


def claim_due(connection: Connection, *, skipped: Collection[int], now: datetime) -> Job | None:
    """Hold and return the job that has been due longest at ``now`` (UTC); None where none is, or others have them."""
    row = _QUERIES["claim_due"].first(connection, skipped=list(skipped), now=now)
    return job(connection, row["id"]) if row else None


def live_job(connection: Connection, need_id: int) -> int | None:
    """Return the id of the job that is under way for a need, or None."""
    row = _QUERIES["live_job_of_need"].first(connection, need_id=need_id)
    return row["id"] if row else None


def insert(
    connection: Connection, need: Need, *, site_id: str, service: Service, answer_within: timedelta, now: datetime
) -> int | None:
    """Write a planned job; return its id, or None where one is under way for the need."""
    row = _QUERIES["insert_job"].first(
        connection,
        need_id=need.id,
        device_id=need.device_id,
        customer_id=need.customer_id,
        site_id=site_id,
        service=service.id,
        skill=service.skill,
        severity=need.severity,
        duration=service.duration,
        answer_within=answer_within,
        now=now,
    )
    return row["id"] if row else None


def set_severity(connection: Connection, job_id: int, severity: Severity, *, now: datetime) -> None:
    """Write how bad the need of a job is now."""
    _QUERIES["set_severity"].run(connection, id=job_id, severity=severity, now=now)


def update(
    connection: Connection,
    job: Job,
    state: JobState,
    *,
    now: datetime,
    technician_id: str | None = None,
    answer_by: datetime | None = None,
    wake_at: datetime | None = None,
    round_number: int | None = None,
) -> None:
    """Write a job's next state; what is not given is cleared, but for the round, which stays."""
    _QUERIES["update_job"].run(
        connection,
        id=job.id,
        state=state,
        technician_id=technician_id,
        answer_by=answer_by,
        wake_at=wake_at,
        round=round_number or job.round,
        now=now,
    )


def technicians(connection: Connection, skill: str, *, now: datetime) -> list[Technician]:
    """Return everybody who has ``skill``, with when each is held next, as of ``now`` (UTC)."""
    return [
        Technician(
            id=row["id"],
            resource_id=row["resource_id"],
            place=Place(row["latitude"], row["longitude"]),
            skills=frozenset(row["skills"]),
            busy_from=row["busy_from"],
        )
        for row in _QUERIES["technicians"].all(connection, skill=skill, now=now)
    ]


def asked(connection: Connection, job: Job) -> frozenset[str]:
    """Return the ids of the technicians who were asked in the job's present round."""
    rows = _QUERIES["asked_in_round"].all(connection, job_id=job.id, round=job.round)
    return frozenset(row["technician_id"] for row in rows)


def was_asked(connection: Connection, job_id: int, technician_id: str) -> datetime | None:
    """Return until when this technician had time to answer the last time he was asked; None where he never was."""
    row = _QUERIES["newest_request"].first(connection, job_id=job_id, technician_id=technician_id)
    return row["answer_by"] if row else None


def ask(connection: Connection, job: Job, choice: Choice, *, answer_by: datetime, now: datetime) -> bool:
    """Hold a technician for the job and write that he is asked; return False where something else took him first."""
    try:
        with connection.transaction():
            _QUERIES["lock_resource"].first(connection, id=choice.technician.resource_id)
            _QUERIES["hold"].run(
                connection,
                resource_id=choice.technician.resource_id,
                starts_at=now,
                ends_at=now + choice.held_for,
                job_id=job.id,
            )
    except ExclusionViolation:
        return False
    _QUERIES["insert_request"].run(
        connection,
        job_id=job.id,
        technician_id=choice.technician.id,
        round=job.round,
        answer_by=answer_by,
        now=now,
    )
    return True


def answer(connection: Connection, job: Job, answer: Answer, *, now: datetime) -> None:
    """Write what the technician who was asked said, or that he said nothing."""
    _QUERIES["answer_request"].run(
        connection, job_id=job.id, technician_id=job.technician_id, round=job.round, answer=answer, now=now
    )


def release(connection: Connection, job: Job) -> None:
    """Let whoever the job holds be free."""
    _QUERIES["release"].run(connection, job_id=job.id)
