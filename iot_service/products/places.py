"""Where a product's devices are, and the areas that its rules may ask about."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Place(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Circle(_Place):
    """A circle on the map (WGS 84)."""

    latitude: float = Field(ge=-90, le=90)
    """Of its centre, in degrees."""
    longitude: float = Field(ge=-180, le=180)
    """Of its centre, in degrees."""
    radius: float = Field(gt=0, le=1_000_000)
    """In metres."""


class Position(_Place):
    """The metrics that say where a device is."""

    latitude: str
    """The metric with the latitude in degrees."""
    longitude: str
    """The metric with the longitude in degrees."""
