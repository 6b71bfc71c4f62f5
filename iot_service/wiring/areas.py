"""`area …`: areas of customers, from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from iot_service import clock
from iot_service.config import Settings
from iot_service.customers.areas import list_areas, remove_area, set_area
from iot_service.db import Connection
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.rules.lets.places import SITE_AREA
from iot_service.wiring.installation import engines, open_catalog, open_database

_ACTOR = "command line"


def set_customer_area(settings: Settings, customer_id: str, name: str, circles: Sequence[str]) -> str:
    """Give a customer an area of circles ``LATITUDE,LONGITUDE,METRES``; return what to print.

    Raises InvalidInputError and NotFoundError as :func:`set_area` does.
    """
    known = area_names(open_catalog(settings))
    found = [_circle(text) for text in circles]
    with _connection(settings) as connection:
        set_area(connection, customer_id, name, found, known=known, actor=_ACTOR, now=clock.now())
    return f"{customer_id} has an area {name} of {len(found)} circle{'s' if len(found) > 1 else ''} now"


def list_customer_areas(settings: Settings, customer_id: str) -> str:
    """Return a customer's own areas, one circle a line."""
    with _connection(settings) as connection:
        areas = list_areas(connection, customer_id)
    lines = [
        f"{name}  {circle['latitude']:g},{circle['longitude']:g},{circle['radius']:g}"
        for name, circles in areas.items()
        for circle in circles
    ]
    return "\n".join(lines) or f"{customer_id} has no areas of her own"


def remove_customer_area(settings: Settings, customer_id: str, name: str) -> str:
    """Take an area from a customer; return what to print. Raises NotFoundError when she has none of that name."""
    with _connection(settings) as connection:
        remove_area(connection, customer_id, name, actor=_ACTOR, now=clock.now())
    return f"{customer_id} has no area {name} of her own any more"


def area_names(catalog: Catalog) -> list[str]:
    """Return the names of all areas that rules of ``catalog`` may ask about."""
    return sorted({SITE_AREA, *(name for model in catalog.products.values() for name in model.areas)})


@contextmanager
def _connection(settings: Settings) -> Iterator[Connection]:
    with (
        engines(settings, broker=False) as complete,
        open_database(complete) as database,
        database.transaction() as connection,
    ):
        yield connection


def _circle(text: str) -> dict[str, float]:
    try:
        latitude, longitude, radius = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInputError(f"'{text}' is no circle; write LATITUDE,LONGITUDE,METRES", field="circle") from error
    return {"latitude": latitude, "longitude": longitude, "radius": radius}
