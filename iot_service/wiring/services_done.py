"""`device serviced`: somebody says that a service was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from iot_service import clock
from iot_service.config import Settings
from iot_service.errors import InvalidInputError
from iot_service.rules.facts import Serviced, record_service
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.installation import open_catalog


def serviced_command(settings: Settings, device: str, service: str, at: str | None, readings: Sequence[str]) -> str:
    """Record that ``service`` of ``device`` was done ``at`` (None: now), and return from where it is counted."""
    catalog, now = open_catalog(settings), clock.now()
    done = Serviced(device, service, _time(at) if at else now, dict(map(_reading, readings)))
    with at_work(settings) as connection:
        shown = record_service(connection, done, catalog=catalog, actor=ACTOR, now=now)
    if shown is None:
        return f"device {device}: {service} of {done.at:%Y-%m-%d} was known already"
    counted = "".join(f", {name} {value:g}" for name, value in shown.items())
    return f"device {device}: {service} is counted from {done.at:%Y-%m-%d %H:%M} UTC{counted}"


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError("write a day or a time, such as 2026-01-10", field=f"--at {text}") from None
    if at.tzinfo is None and len(text) > len("2026-01-10"):
        raise InvalidInputError("write the time with its zone, such as 2026-01-10T12:00+01:00", field=f"--at {text}")
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _reading(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise InvalidInputError("write COUNTER=NUMBER, such as odometer=12400", field=f"--reading {text}") from None
