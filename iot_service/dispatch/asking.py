"""Asking technicians for a job, one at a time, the nearest first; and starting over when nobody is left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.dispatch import store
from iot_service.dispatch.assign import Choice, in_order
from iot_service.dispatch.job import Job, step
from iot_service.model.event import Event, EventType
from iot_service.model.work import Answer, JobState

PAUSE = timedelta(minutes=5)
"""How long after nobody was left everybody is asked anew; it doubles with each round, up to :data:`LONGEST_PAUSE`."""

LONGEST_PAUSE = timedelta(minutes=30)


def pause_after(round_number: int) -> timedelta:
    """Return how long to wait after the round ``round_number`` (from 1) before everybody is asked again."""
    pause = PAUSE
    for _ in range(min(round_number - 1, 10)):
        pause *= 2
    return min(pause, LONGEST_PAUSE)


def ask_next(connection: Connection, job: Job, *, actor: str, now: datetime) -> None:
    """Ask the next technician for a planned job that the caller holds; where nobody is left, wait for a new round."""
    asked = store.asked(connection, job)
    choices = in_order(
        store.technicians(connection, job.skill, now=now),
        site=job.place,
        skill=job.skill,
        duration=job.duration,
        asked=asked,
        now=now,
    )
    answer_by = now + job.answer_within
    for choice in choices:
        if store.ask(connection, job, choice, answer_by=answer_by, now=now):
            _dispatched(connection, job, choice, answer_by=answer_by, actor=actor, now=now)
            return
    state = step(job, EventType.JOB_NOBODY_AVAILABLE)
    wake_at = now + pause_after(job.round)
    store.update(connection, job, state, wake_at=wake_at, round_number=job.round + 1, now=now)
    tried = f"all {len(asked)} who were asked said no or nothing" if asked else "nobody who can do it is free"
    note(
        connection,
        job,
        EventType.JOB_NOBODY_AVAILABLE,
        state,
        reason=f"No technician can be asked in round {job.round}: {tried}; the next round is at {wake_at:%H:%M} UTC.",
        actor=actor,
        now=now,
        data={"round": job.round, "asked": len(asked), "wake_at": wake_at.isoformat(), "skill": job.skill},
    )


def give_back(
    connection: Connection, job: Job, event: EventType, answer: Answer, *, reason: str, actor: str, now: datetime
) -> Job:
    """Take a job from the technician who was asked for it, free him, and return the job, planned again."""
    state = step(job, event)
    store.answer(connection, job, answer, now=now)
    store.release(connection, job)
    store.update(connection, job, state, wake_at=now, now=now)
    note(
        connection,
        job,
        event,
        state,
        reason=reason,
        actor=actor,
        now=now,
        data={"technician_id": job.technician_id, "round": job.round},
    )
    planned = store.job(connection, job.id)
    assert planned is not None, "the caller holds the job"
    return planned


def note(
    connection: Connection,
    job: Job,
    event: EventType,
    state: JobState,
    *,
    reason: str,
    actor: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Record what happened to a job."""
    record(
        connection,
        Event(
            type=event,
            at=now,
            subject_id=str(job.id),
            device_id=job.device_id,
            customer_id=job.customer_id,
            need_id=job.need_id,
            old=job.state if event is not EventType.JOB_PLANNED else None,
            new=state,
            actor=actor,
            reason=reason,
            data={"service": job.service, "site_id": job.site_id, **(data or {})},
        ),
    )


def _dispatched(
    connection: Connection, job: Job, choice: Choice, *, answer_by: datetime, actor: str, now: datetime
) -> None:
    state = step(job, EventType.JOB_DISPATCHED)
    technician_id = choice.technician.id
    store.update(connection, job, state, technician_id=technician_id, answer_by=answer_by, wake_at=answer_by, now=now)
    minutes = round(choice.travel.total_seconds() / 60)
    note(
        connection,
        job,
        EventType.JOB_DISPATCHED,
        state,
        reason=(
            f"Technician {technician_id} is the nearest who can do it, is free and was not asked yet:"
            f" {choice.distance_km:.1f} km, about {minutes} min away."
        ),
        actor=actor,
        now=now,
        data={
            "technician_id": technician_id,
            "distance_km": round(choice.distance_km, 1),
            "travel_minutes": minutes,
            "answer_by": answer_by.isoformat(),
            "round": job.round,
        },
    )
