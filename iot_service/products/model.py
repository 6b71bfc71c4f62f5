"""What a product model says: metrics, attributes, parameters, consumables; and the services that can be booked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from iot_service.products.durations import Duration

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A name that can stand in an expression."""


class Frozen(BaseModel):
    """Base of everything that is read from product files: immutable, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Text(Frozen):
    """A text for people in the languages we speak: Norwegian bokmål and English."""

    nb: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Metric(Frozen):
    """One measured number.

    ``minimum`` and ``maximum`` bound what is plausible (inclusive, in ``unit``). A reading older than ``max_age`` is
    outdated: conditions over it are unknown; None: it stands until the next. ``aliases`` are its names in standards,
    ``scale`` the factor by which a value under such a name is multiplied to get ``unit``. ``counter``: it only grows,
    apart from resets.
    """

    unit: str
    minimum: float | None = None
    maximum: float | None = None
    max_age: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    aliases: tuple[str, ...] = ()
    scale: Mapping[str, float] = Field(default_factory=dict)
    counter: bool = False


class ReportedText(Frozen):
    """One attribute: a text or a list of texts, with its names in standards."""

    aliases: tuple[str, ...] = ()


class Consumable(Frozen):
    """Something that is used up; ``counters`` are the metrics that count its use, in ``unit``."""

    counters: tuple[Name, ...] = Field(min_length=1)
    unit: Text
    name: Text


class Argument(Frozen):
    """One argument of a command: a number within bounds (inclusive, in ``unit``), a boolean, or a text.

    ``choices`` are the only texts that may be sent; None: any text of up to 200 characters.
    """

    type: Literal["number", "integer", "boolean", "text"]
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    required: bool = True


class CommandSpec(Frozen):
    """One command that devices of a product understand.

    ``timeout`` is how long each attempt waits for the device's answer, ``retries`` how often it is repeated; whoever
    sends it may say otherwise.
    """

    name: Text
    args: Mapping[Name, Argument] = Field(default_factory=dict)
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(days=1))] = timedelta(seconds=30)
    retries: int = Field(default=2, ge=0, le=10)


class Retention(Frozen):
    """How long readings and rollups of a product model are kept, counted from when they were measured.

    None: ``readings`` as long as IOT_RETENTION says, ``minutes`` as long as readings, ``hours`` and ``days`` for ever.
    ``minutes`` of nothing: none are made, which suits what reports about once a minute or less.
    """

    readings: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    minutes: Annotated[Duration, Field(ge=timedelta(0))] | None = None
    hours: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    days: Annotated[Duration, Field(gt=timedelta(0))] | None = None

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Self:
        """A rollup is computed again from what is finer when a reading comes late, so that must be there as long."""
        named = [(name, span) for name in type(self).model_fields if (span := getattr(self, name))]
        for (finer, short), (coarser, long) in pairwise(named):
            if long < short:
                raise ValueError(f"{coarser} must be kept as long as {finer}, or longer")
        return self


class ProductModel(Frozen):
    """A kind of connected product.

    ``parameters`` are numbers that rules use by name, with defaults that a device may override. A new device is
    commissioning until ``in_service_when`` (CEL) has held for ``in_service_for``; None: it is in service at once.
    ``events`` are the device events that rules may ask for, ``commands`` what its devices can be told to do.
    """

    id: Name
    name: Text
    metrics: Mapping[Name, Metric] = Field(min_length=1)
    attributes: Mapping[Name, ReportedText] = Field(default_factory=dict)
    events: tuple[str, ...] = ()
    commands: Mapping[Name, CommandSpec] = Field(default_factory=dict)
    parameters: Mapping[Name, float] = Field(default_factory=dict)
    consumables: Mapping[Name, Consumable] = Field(default_factory=dict)
    retention: Retention = Retention()
    in_service_when: str | None = None
    in_service_for: Duration = timedelta(0)


class Service(Frozen):
    """Something that people book: ``price`` in minor units of ``currency``, ``skill`` of who does it, and where."""

    id: Name
    name: Text
    duration: Annotated[Duration, Field(gt=timedelta(0))]
    skill: str
    price: int = Field(ge=0)
    currency: str = Field(default="NOK", pattern=r"^[A-Z]{3}$")
    place: Literal["workshop", "site"]
    products: tuple[Name, ...] = Field(min_length=1)


class ServiceFile(Frozen):
    """``services.yaml``: services by id."""

    services: Mapping[Name, Service]
