"""A job for a technician, its states, and every step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.errors import ConflictError
from iot_service.model.event import EventType
from iot_service.model.geography import Place
from iot_service.model.need import Severity
from iot_service.model.work import JobState

_PLANNED, _DISPATCHED, _ACCEPTED = JobState.PLANNED, JobState.DISPATCHED, JobState.ACCEPTED
_EN_ROUTE, _ON_SITE = JobState.EN_ROUTE, JobState.ON_SITE

STEPS: Mapping[EventType, tuple[frozenset[JobState], JobState]] = {
    EventType.JOB_PLANNED: (frozenset(), _PLANNED),
    EventType.JOB_DISPATCHED: (frozenset({_PLANNED}), _DISPATCHED),
    EventType.JOB_NOBODY_AVAILABLE: (frozenset({_PLANNED}), _PLANNED),
    EventType.JOB_ACCEPTED: (frozenset({_DISPATCHED}), _ACCEPTED),
    EventType.JOB_DECLINED: (frozenset({_DISPATCHED, _ACCEPTED}), _PLANNED),
    EventType.JOB_NOT_ANSWERED: (frozenset({_DISPATCHED}), _PLANNED),
    EventType.JOB_EN_ROUTE: (frozenset({_ACCEPTED}), _EN_ROUTE),
    EventType.JOB_ON_SITE: (frozenset({_EN_ROUTE}), _ON_SITE),
    EventType.JOB_COMPLETED: (frozenset({_ON_SITE}), JobState.COMPLETED),
    EventType.JOB_CANCELLED: (frozenset({_PLANNED, _DISPATCHED, _ACCEPTED, _EN_ROUTE}), JobState.CANCELLED),
}
"""All steps there are: the event, the states it may happen in, and the state it leads to.

A job whose technician declined or did not answer is planned again for as long as it takes to ask the next one.
"""

ADVANCES: Mapping[JobState, EventType] = {
    _EN_ROUTE: EventType.JOB_EN_ROUTE,
    _ON_SITE: EventType.JOB_ON_SITE,
    JobState.COMPLETED: EventType.JOB_COMPLETED,
}
"""What the technician reports as he goes."""

_NOW_IT_IS = {
    _PLANNED: "nobody has this job now",
    _DISPATCHED: "this job has not been accepted yet",
    _ACCEPTED: "this job has been accepted, and the technician has not left yet",
    _EN_ROUTE: "the technician is on the way",
    _ON_SITE: "the technician is on site",
    JobState.COMPLETED: "this job is completed",
    JobState.CANCELLED: "this job was cancelled",
}


@dataclass(frozen=True, slots=True)
class Job:
    """Work at a site for one technician.

    ``technician_id`` is who is asked or goes, None while it is planned; ``answer_by`` is when we stop waiting for his
    answer; ``wake_at`` is when something is due by itself (both UTC). ``round`` counts how often all technicians have
    been gone through, from 1. ``duration`` is of the work at the site; ``answer_within`` is how long each may think.
    """

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
    wake_at: datetime | None
    round: int
    duration: timedelta
    answer_within: timedelta
    place: Place


def step(job: Job, event: EventType) -> JobState:
    """Return the state that ``event`` leads to; raises ConflictError, in words for people, where it cannot happen."""
    allowed, new = STEPS[event]
    if job.state not in allowed:
        what = event.value.partition(".")[2].replace("_", " ")
        raise ConflictError(f"This step ({what}) is not possible: {_NOW_IT_IS[job.state]}.")
    return new
