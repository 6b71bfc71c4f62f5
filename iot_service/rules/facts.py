"""Facts about a device that come from elsewhere than its readings, and when its services were done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.service_plan import ServicePlan, serviced_at, serviced_reading
from iot_service.rules.store import QUERIES
from iot_service.rules.windows import DAY, EPOCH


@dataclass(frozen=True, slots=True)
class Serviced:
    """One service of a device that was done at ``at`` (UTC); ``readings`` is what each counter showed then."""

    device_id: str
    service: str
    at: datetime
    readings: Mapping[str, float]


def put_fact(
    connection: Connection, device_id: str, name: str, value: float | None, *, at: datetime, source: str
) -> bool:
    """Let the fact ``name`` of a device be ``value`` (None: unknown) from ``at`` on (UTC); return whether that is new.

    The rules see it once they judge the device next: see :func:`wake`.
    """
    return QUERIES["put_fact"].run(connection, device_id=device_id, name=name, at=at, value=value, source=source) > 0


def wake(connection: Connection, device_id: str, *, now: datetime) -> None:
    """Have the rules judge a device, no later than they meant to."""
    QUERIES["wake_device"].run(connection, device_id=device_id, now=now)


def facts_of(connection: Connection, device_id: str) -> dict[str, tuple[datetime, float]]:
    """Return the newest value of each fact of a device that is known, with the time from which it holds (UTC)."""
    rows = QUERIES["newest_facts"].all(connection, device_id=device_id)
    return {row["name"]: (row["at"], row["value"]) for row in rows if row["value"] is not None}


def record_service(
    connection: Connection, done: Serviced, *, catalog: Catalog, actor: str, now: datetime
) -> Mapping[str, float] | None:
    """Count the service plan of a device anew from ``done``; return what its counters showed, None if that was known.

    A counter that ``done`` does not name is taken to have shown what it was last known to show then, or else what the
    first reading after it showed; where there is neither, it will be counted from its first reading. Raises
    NotFoundError for an unknown device, InvalidInputError for a service without a plan, another counter, a time to come
    or a reading that is none.
    """
    device = QUERIES["device"].first(connection, device_id=done.device_id)
    if device is None:
        raise NotFoundError(f"there is no device {done.device_id!r}")
    model = catalog.products.get(device["product"])
    plans = model.plans if model is not None else {}
    plan = _plan(plans, done, now=now)
    readings = {**_readings_at(connection, done.device_id, plan.counters, done.at), **done.readings}
    wake(connection, done.device_id, now=now)
    facts = {serviced_at(done.service): (done.at - EPOCH) / DAY}
    facts |= {serviced_reading(done.service, name): value for name, value in readings.items()}
    changed = [put_fact(connection, done.device_id, name, facts[name], at=done.at, source=actor) for name in facts]
    if not any(changed):
        return None
    shown = ", ".join(f"{name} {value:g}" for name, value in readings.items())
    record(
        connection,
        Event(
            type=EventType.DEVICE_SERVICED,
            at=now,
            subject_id=done.device_id,
            device_id=done.device_id,
            customer_id=device["customer_id"],
            actor=actor,
            reason=f"The service {done.service} was done{f' at {shown}' if shown else ''}.",
            data={"service": done.service, "at": done.at.isoformat(), "readings": readings},
        ),
    )
    return readings


def planned_services(catalog: Catalog, product: str, services: Iterable[str]) -> list[str]:
    """Return those of ``services`` that ``product`` has a plan for."""
    model = catalog.products.get(product)
    return [service for service in services if model is not None and service in model.plans]


def _plan(plans: Mapping[str, ServicePlan], done: Serviced, *, now: datetime) -> ServicePlan:
    plan = plans.get(done.service)
    if plan is None:
        message = f"the product has no plan for '{done.service}'{suggestion(done.service, list(plans))}"
        raise InvalidInputError(message, field="service")
    for name, value in done.readings.items():
        if name not in plan.counters:
            message = f"the plan has no counter '{name}'{suggestion(name, list(plan.counters))}"
            raise InvalidInputError(message, field=f"readings.{name}")
        if not isfinite(value):
            raise InvalidInputError("must be a number", field=f"readings.{name}")
    if done.at > now + timedelta(minutes=5):
        raise InvalidInputError("that is still to come; say it once it is done", field="at")
    return plan


def _readings_at(connection: Connection, device_id: str, counters: Iterable[str], at: datetime) -> dict[str, float]:
    rows = QUERIES["readings_about"].all(connection, device_id=device_id, metrics=list(counters), at=at)
    return {row["metric"]: row["value"] for row in rows}
