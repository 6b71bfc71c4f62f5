"""The commands about planned maintenance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iot_service import clock
from iot_service.config import Settings
from iot_service.durations import parse_duration
from iot_service.errors import InvalidInputError
from iot_service.rules import maintenance
from iot_service.rules.maintenance_windows import MaintenanceWindow
from iot_service.wiring.at_work import ACTOR, at_work

_MOST = 10_000


def plan_maintenance_command(
    settings: Settings,
    device: str | None,
    site: str | None,
    customer: str | None,
    starts: datetime | None,
    ends: datetime | None,
    lasts: str | None,
    reason: str,
) -> str:
    """Plan maintenance, and return what was planned. Raises InvalidInputError for what makes no sense."""
    if (ends is None) == (lasts is None):
        raise InvalidInputError("give either when it ends or how long it lasts")
    now = clock.now()
    starts_at = _utc(starts) if starts is not None else now
    ends_at = _utc(ends) if ends is not None else starts_at + _span(lasts or "")
    with at_work(settings) as connection:
        window = maintenance.plan(
            connection, device_id=device, site_id=site, customer_id=customer, starts_at=starts_at, ends_at=ends_at,
            reason=reason, actor=ACTOR, now=now,
        )  # fmt: skip
    return _line(window, now)


def list_maintenance_command(
    settings: Settings, device: str | None, site: str | None, customer: str | None, *, past: bool
) -> str:
    """Return maintenance, newest first, one a line; what is over only with ``past``."""
    now = clock.now()
    with at_work(settings) as connection:
        rows = maintenance.list_windows(
            connection, device_id=device, site_id=site, customer_id=customer, ahead_of=None if past else now,
            limit=_MOST,
        )  # fmt: skip
    return "\n".join(_line(row, now) for row in rows) or "no maintenance"


def end_maintenance_command(settings: Settings, window_id: int, reason: str) -> str:
    """End maintenance, and return what became of it."""
    now = clock.now()
    with at_work(settings) as connection:
        window = maintenance.end(connection, window_id, reason=reason, actor=ACTOR, now=now)
    return _line(window, now)


def _line(window: MaintenanceWindow, now: datetime) -> str:
    target = next(
        f"{name} {value}"
        for name, value in (
            ("device", window.device_id), ("site", window.site_id), ("customer", window.customer_id),
        )
        if value is not None
    )  # fmt: skip
    state = "over" if window.ends_at <= now else "now" if window.starts_at <= now else "planned"
    span = f"{window.starts_at:%Y-%m-%d %H:%M} to {window.ends_at:%Y-%m-%d %H:%M} UTC"
    return f"{window.id}: {target}, {span}, {window.reason} ({state}, by {window.created_by})"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInputError(str(error), field="lasts") from None
