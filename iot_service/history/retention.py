"""How long each product model's readings and rollups are kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from iot_service.history.spans import DAY, floor
from iot_service.products.catalog import Catalog
from iot_service.products.model import ProductModel


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each level of one product is kept; None: for ever. ``minutes`` of nothing: there are none."""

    readings: timedelta
    minutes: timedelta
    hours: timedelta | None
    days: timedelta | None


@dataclass(frozen=True, slots=True)
class KeptSince:
    """Since when (UTC, midnight) each level of one product is kept; None: since ever."""

    product: str
    readings: datetime
    minutes: datetime | None
    hours: datetime | None
    days: datetime | None


def keep_of(product: ProductModel, default: timedelta) -> Keep:
    """Return what ``product`` says, with ``default`` for its readings where it says nothing.

    A rollup is kept at least as long as what it is computed from, whatever the defaults are.
    """
    said = product.retention
    readings = said.readings if said.readings is not None else default
    minutes = said.minutes if said.minutes is not None else readings
    least = max(readings, minutes)
    hours = None if said.hours is None else max(said.hours, least)
    days = None if said.days is None or hours is None else max(said.days, hours)
    return Keep(readings, max(minutes, readings) if minutes else timedelta(0), hours, days)


def kept_since(product: str, keep: Keep, now: datetime) -> KeptSince:
    """Return where what is kept begins at ``now`` (UTC)."""

    def begin(span: timedelta | None) -> datetime | None:
        return floor(now - span, DAY) if span else None

    return KeptSince(product, floor(now - keep.readings, DAY), begin(keep.minutes), begin(keep.hours), begin(keep.days))


def without_minutes(catalog: Catalog) -> list[str]:
    """Return the products that have no minute rollups, because they ask for none."""
    return sorted(name for name, product in catalog.products.items() if product.retention.minutes == timedelta(0))
