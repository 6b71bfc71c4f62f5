"""Technicians' jobs: planned, offered to one technician after another, accepted, carried out, or cancelled.

Every change holds the job's row first, so of an answer and its time-out exactly one wins.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service.db import Connection
from iot_service.dispatch import asking, store
from iot_service.dispatch.job import ADVANCES, Job, step
from iot_service.errors import ConflictError, NotFoundError
from iot_service.model.event import EventType
from iot_service.model.need import Need, Severity
from iot_service.model.work import Answer, JobState
from iot_service.products.model import Service


def plan(
    connection: Connection,
    need: Need,
    *,
    site_id: str,
    service: Service,
    answer_within: timedelta,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Plan a job at ``site_id`` for a need, ask the first technician at once, and return the job's id.

    Where a job is under way for the need, that one's id. ``answer_within`` is how long each technician has to answer.
    """
    job_id = store.insert(connection, need, site_id=site_id, service=service, answer_within=answer_within, now=now)
    if job_id is None:
        under_way = store.live_job(connection, need.id)
        if under_way is None:
            raise ConflictError("The job for this need ended at this very moment; look again.")
        return under_way
    job = _must(store.job(connection, job_id))
    asking.note(connection, job, EventType.JOB_PLANNED, JobState.PLANNED, reason=reason, actor=actor, now=now)
    asking.ask_next(connection, job, actor=actor, now=now)
    return job_id


def get(connection: Connection, job_id: int, *, technician_id: str | None) -> Job:
    """Return one job; ``technician_id`` is who asks, None for an operator.

    Raises NotFoundError where there is none, or this technician was never asked for it.
    """
    job = _must(store.job(connection, job_id))
    if technician_id not in {None, job.technician_id} and not store.was_asked(connection, job_id, technician_id or ""):
        raise NotFoundError("There is no such job.")
    return job


def accept(connection: Connection, job_id: int, *, technician_id: str, actor: str, now: datetime) -> Job:
    """Let the technician who is asked accept, and return the job; to accept twice changes nothing.

    A late answer counts for as long as nobody else was asked. Raises NotFoundError where he was never asked, and
    ConflictError, in words for him, where the job is no longer his to take.
    """
    job = _lock(connection, job_id, technician_id)
    if job.state is JobState.ACCEPTED:
        return job
    state = step(job, EventType.JOB_ACCEPTED)
    store.answer(connection, job, Answer.ACCEPTED, now=now)
    store.update(connection, job, state, technician_id=technician_id, now=now)
    reason = f"Technician {technician_id} accepted."
    data = {"technician_id": technician_id}
    asking.note(connection, job, EventType.JOB_ACCEPTED, state, reason=reason, actor=actor, now=now, data=data)
    return _must(store.job(connection, job_id))


def decline(connection: Connection, job_id: int, *, technician_id: str, actor: str, now: datetime) -> Job:
    """Let the technician who is asked, or who accepted, decline; the next one is asked at once. Returns the job.

    Raises NotFoundError where he was never asked, and ConflictError where he no longer is or has set out.
    """
    job = _lock(connection, job_id, technician_id)
    reason = f"Technician {technician_id} declined."
    planned = asking.give_back(
        connection, job, EventType.JOB_DECLINED, Answer.DECLINED, reason=reason, actor=actor, now=now
    )
    asking.ask_next(connection, planned, actor=actor, now=now)
    return _must(store.job(connection, job_id))


def no_answer(connection: Connection, job: Job, *, actor: str, now: datetime) -> None:
    """Stop waiting for the technician of a dispatched job that the caller holds, and ask the next one at once."""
    reason = f"Technician {job.technician_id} did not answer within {job.answer_within.total_seconds() / 60:.0f} min."
    planned = asking.give_back(
        connection, job, EventType.JOB_NOT_ANSWERED, Answer.NO_ANSWER, reason=reason, actor=actor, now=now
    )
    asking.ask_next(connection, planned, actor=actor, now=now)


def advance(
    connection: Connection, job_id: int, state: JobState, *, technician_id: str | None, actor: str, now: datetime
) -> Job:
    """Take a job to ``en_route``, ``on_site`` or ``completed``, and return it; to where it is changes nothing.

    A completed job frees its technician; it resolves no need, the readings do. ``technician_id`` is who reports, None
    for an operator. Raises NotFoundError where he was never asked, and ConflictError where that is not the next step.
    """
    job = _lock(connection, job_id, technician_id)
    if job.state is state:
        return job
    if state not in ADVANCES:
        raise ConflictError("A technician can report that he is on the way, on site, or done.")
    event = ADVANCES[state]
    new = step(job, event)
    store.update(connection, job, new, technician_id=job.technician_id, now=now)
    if new is JobState.COMPLETED:
        store.release(connection, job)
    says = {JobState.EN_ROUTE: "is on the way", JobState.ON_SITE: "is on site", JobState.COMPLETED: "is done"}[new]
    reason = f"Technician {job.technician_id} {says}."
    data = {"technician_id": job.technician_id}
    asking.note(connection, job, event, new, reason=reason, actor=actor, now=now, data=data)
    return _must(store.job(connection, job_id))


def cancel(connection: Connection, job_id: int, *, reason: str, actor: str, now: datetime) -> Job:
    """Cancel a job whose technician is not there yet, free him, and return it; a cancelled one stays so.

    Raises NotFoundError, and ConflictError where the technician is on site or done.
    """
    job = _must(store.job(connection, job_id, lock=True))
    if job.state is JobState.CANCELLED:
        return job
    state = step(job, EventType.JOB_CANCELLED)
    if job.state is JobState.DISPATCHED:
        store.answer(connection, job, Answer.WITHDRAWN, now=now)
    store.release(connection, job)
    store.update(connection, job, state, technician_id=job.technician_id, now=now)
    data = {"technician_id": job.technician_id}
    asking.note(connection, job, EventType.JOB_CANCELLED, state, reason=reason, actor=actor, now=now, data=data)
    return _must(store.job(connection, job_id))


def worsen(connection: Connection, need_id: int, severity: Severity, *, now: datetime) -> bool:
    """Let the job that is under way for a need be as bad as the need is now; return whether there is one."""
    job_id = store.live_job(connection, need_id)
    job = store.job(connection, job_id, lock=True) if job_id is not None else None
    if job is None or job.state in {JobState.COMPLETED, JobState.CANCELLED}:
        return False
    store.set_severity(connection, job.id, severity, now=now)
    return True


def call_off(connection: Connection, need_id: int, *, reason: str, actor: str, now: datetime) -> bool:
    """Cancel the job of a need that is over, unless somebody accepted it: he looks all the same. Return whether."""
    job_id = store.live_job(connection, need_id)
    job = store.job(connection, job_id, lock=True) if job_id is not None else None
    if job is None or job.state not in {JobState.PLANNED, JobState.DISPATCHED}:
        return False
    cancel(connection, job.id, reason=reason, actor=actor, now=now)
    return True


def _lock(connection: Connection, job_id: int, technician_id: str | None) -> Job:
    job = _must(store.job(connection, job_id, lock=True))
    if technician_id in {None, job.technician_id}:
        return job
    answer_by = store.was_asked(connection, job_id, technician_id or "")
    if answer_by is None:
        raise NotFoundError("There is no such job.")
    if job.state in {JobState.CANCELLED, JobState.COMPLETED}:
        raise ConflictError(f"This job is {job.state} already.")
    raise ConflictError(
        f"This job is no longer yours: you declined it, or gave no answer before {answer_by:%H:%M} UTC,"
        " so others are asked. You will hear from us if you are needed after all."
    )


def _must(job: Job | None) -> Job:
    if job is None:
        raise NotFoundError("There is no such job.")
    return job
