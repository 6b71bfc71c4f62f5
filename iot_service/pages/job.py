"""The page of a job: where, what, how the device is now, and the buttons that say how far the technician has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iot_service.dispatch import jobs
from iot_service.dispatch.job import Job
from iot_service.links import Person
from iot_service.model.work import JobState
from iot_service.pages.store import QUERIES
from iot_service.pages.texts import switch_name
from iot_service.pages.visit import Form, LinkedPage, Shown, Visit
from iot_service.products.model import Metric

_BUTTONS: dict[JobState, tuple[tuple[str, str, str], ...]] = {
    JobState.DISPATCHED: (("accept", "job.accept", "main"), ("decline", "job.decline", "quiet")),
    JobState.ACCEPTED: (("en_route", "job.en_route", "main"),),
    JobState.EN_ROUTE: (("on_site", "job.on_site", "main"),),
    JobState.ON_SITE: (("complete", "job.complete", "main"),),
}
"""What the technician can say in each state: the form's action, the text, the look."""


def _show(visit: Visit) -> Shown:
    found = jobs.get(visit.connection, visit.link.subject_id, technician_id=visit.person_id)
    service = visit.catalog.services.get(found.service)
    what = visit.words.pick(service.name) if service else found.service
    mine = found.technician_id == visit.person_id
    shown: dict[str, Any] = {"what": what, "mine": mine}
    return Shown("job.html", {"job": {**shown, **_details(visit, found)} if mine else shown})


def _details(visit: Visit, found: Job) -> dict[str, Any]:
    """Where and what: only for the technician who is asked or goes; others need no customer's address."""
    device = QUERIES["device"].one(visit.connection, id=found.device_id)
    need = QUERIES["need"].one(visit.connection, id=found.need_id)
    rule = need["product"], need["rule"], need["evidence"]
    product = visit.catalog.products.get(device["product"])
    asked = found.state is JobState.DISPATCHED and found.answer_by is not None
    return {
        **QUERIES["job_place"].one(visit.connection, site_id=found.site_id),
        "severity": found.severity.value,
        "state": found.state.value,
        "device": device["name"],
        "product": visit.words.pick(product.name) if product else device["product"],
        "since": visit.words.moment(need["opened_at"], now=visit.now),
        "title": visit.title(*rule),
        "message": visit.message(*rule),
        "reason": need["reason"],
        "answer_by": visit.words.moment(found.answer_by, now=visit.now) if asked and found.answer_by else "",
        "buttons": _BUTTONS.get(found.state, ()),
        "give_back": found.state is JobState.ACCEPTED,
        "readings": _readings(visit, device),
    }


def _readings(visit: Visit, device: dict[str, Any]) -> list[dict[str, str]]:
    product = visit.catalog.products.get(device["product"])
    metrics = product.metrics if product else {}
    rows = QUERIES["newest_readings"].all(visit.connection, device_id=device["id"], metrics=list(metrics))
    return [
        {
            "metric": row["metric"],
            "value": _value(visit, row["metric"], row["value"], metrics[row["metric"]]),
            "when": visit.words.moment(row["ts"], now=visit.now),
        }
        for row in rows
    ]


def _value(visit: Visit, name: str, value: float, metric: Metric) -> str:
    if metric.unit == "1":
        is_switch = (metric.minimum, metric.maximum) == (0, 1)
        return switch_name(name, visit.locale, on=value > 0) if is_switch else visit.words.number(value)
    return f"{visit.words.number(value)} {metric.unit}"


def _accept(visit: Visit, _form: Form) -> str:
    jobs.accept(
        visit.connection, visit.link.subject_id, technician_id=visit.person_id, actor=visit.actor, now=visit.now
    )
    return "accepted"


def _decline(visit: Visit, _form: Form) -> str:
    jobs.decline(
        visit.connection, visit.link.subject_id, technician_id=visit.person_id, actor=visit.actor, now=visit.now
    )
    return "declined"


def _advance(state: JobState) -> Callable[[Visit, Form], str]:
    def act(visit: Visit, _form: Form) -> str:
        who = {"technician_id": visit.person_id, "actor": visit.actor}
        jobs.advance(visit.connection, visit.link.subject_id, state, **who, now=visit.now)
        return state.value

    return act


PAGE = LinkedPage(
    Person.TECHNICIAN,
    _show,
    {
        "accept": _accept,
        "decline": _decline,
        "en_route": _advance(JobState.EN_ROUTE),
        "on_site": _advance(JobState.ON_SITE),
        "complete": _advance(JobState.COMPLETED),
    },
)
"""What a link of purpose JOB opens."""
