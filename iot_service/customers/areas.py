"""Areas of a customer's own that rules may ask about, such as her cabin: personal data, used under consent only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from iot_service.db import Connection, Jsonb, load_queries
from iot_service.db.events import record
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.model.event import Event, EventType
from iot_service.products.places import Circle

_QUERIES = load_queries("iot_service.customers")


def set_area(
    connection: Connection,
    customer_id: str,
    name: str,
    circles: Sequence[Mapping[str, Any]],
    *,
    known: Sequence[str],
    actor: str,
    now: datetime,
) -> None:
    """Give a customer the area ``name``, in the place of the one that she has; rules see it the next time they look.

    ``circles`` hold latitude and longitude (degrees) and radius (metres) each; ``known`` are the areas that rules ask
    about. Raises NotFoundError for an unknown customer, InvalidInputError that names what is wrong.
    """
    if name not in known:
        raise InvalidInputError(f"no rule asks about '{name}'; areas are {', '.join(sorted(known))}", field="name")
    if not circles:
        raise InvalidInputError("an area has one circle at least", field="circles")
    try:
        checked = [Circle.model_validate(circle) for circle in circles]
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(first["msg"], field=".".join(map(str, first["loc"])) or "circles") from error
    if _QUERIES["customer"].first(connection, id=customer_id) is None:
        raise NotFoundError(f"There is no customer {customer_id}.")
    _QUERIES["set_area"].run(
        connection, customer_id=customer_id, name=name, circles=Jsonb([circle.model_dump() for circle in checked])
    )
    _record(connection, customer_id, f"Area {name} is hers now", actor, now)


def remove_area(connection: Connection, customer_id: str, name: str, *, actor: str, now: datetime) -> None:
    """Take the area ``name`` from a customer; that of the product model counts again.

    Raises NotFoundError when she has none of that name.
    """
    if _QUERIES["remove_area"].first(connection, customer_id=customer_id, name=name) is None:
        raise NotFoundError(f"Customer {customer_id} has no area {name} of her own.")
    _record(connection, customer_id, f"Area {name} is no longer hers", actor, now)


def list_areas(connection: Connection, customer_id: str) -> dict[str, list[dict[str, float]]]:
    """Return a customer's own areas: name → circles, each with latitude, longitude (degrees) and radius (metres)."""
    return {row["name"]: row["circles"] for row in _QUERIES["areas"].all(connection, customer_id=customer_id)}


def _record(connection: Connection, customer_id: str, reason: str, actor: str, now: datetime) -> None:
    record(
        connection,
        Event(
            type=EventType.AREA_CHANGED,
            at=now,
            subject_id=customer_id,
            customer_id=customer_id,
            actor=actor,
            reason=reason,
        ),
    )
