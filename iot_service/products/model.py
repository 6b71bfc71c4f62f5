"""What a product model says: metrics, attributes, parameters, consumables; and the services that can be booked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from iot_service.products.comparison import Comparison
from iot_service.products.durations import Duration
from iot_service.products.places import Circle, Position
from iot_service.products.service_plan import ServicePlan

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A name that can stand in an expression."""


class Frozen(BaseModel):
    """Base of everything that is read from product files: immutable, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class Text(Frozen):
    """A text for people in the languages we speak: Norwegian bokmål and English."""

    nb: str = Field(min_length=1)
    """In Norwegian bokmål."""
    en: str = Field(min_length=1)
    """In English."""


class Metric(Frozen):
    """One measured number."""

    unit: str
    """Its unit, such as °C, km/h or %; "1" for a plain number."""
    minimum: float | None = None
    """The lowest plausible value, inclusive, in the unit."""
    maximum: float | None = None
    """The highest plausible value, inclusive, in the unit."""
    max_age: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """A reading older than this is outdated: conditions over it are unknown. Without: it stands until the next one."""
    aliases: tuple[str, ...] = ()
    """Its names in standards and in the messages of devices."""
    scale: Mapping[str, float] = Field(default_factory=dict)
    """Alias → the factor by which a value under that name is multiplied to get the unit."""
    counter: bool = False
    """Whether it only grows, apart from resets."""
    consent: Literal["location"] | None = None
    """The consent without which it is neither stored nor judged."""


class ReportedText(Frozen):
    """One attribute: a text or a list of texts."""

    aliases: tuple[str, ...] = ()
    """Its names in standards and in the messages of devices."""


class Consumable(Frozen):
    """Something that is used up."""

    counters: tuple[Name, ...] = Field(min_length=1)
    """The metrics that count its use."""
    unit: Text
    """What is counted, in the plural."""
    name: Text
    """What it is called."""


class Argument(Frozen):
    """One argument of a command."""

    type: Literal["number", "integer", "boolean", "text"]
    """What it is: a number within bounds, a boolean, or a text."""
    unit: str | None = None
    """The unit of a number."""
    minimum: float | None = None
    """The least that may be sent, inclusive, in the unit."""
    maximum: float | None = None
    """The most that may be sent, inclusive, in the unit."""
    choices: tuple[str, ...] | None = None
    """The only texts that may be sent; without: any text of up to 200 characters."""
    required: bool = True
    """Whether it must be given."""


class CommandSpec(Frozen):
    """One command that devices of a product understand; whoever sends it may give another timeout and retries."""

    name: Text
    """What people call it."""
    args: Mapping[Name, Argument] = Field(default_factory=dict)
    """Its arguments, by name."""
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(days=1))] = timedelta(seconds=30)
    """How long each attempt waits for the device's answer."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often it is repeated when no answer comes."""


class Retention(Frozen):
    """How long readings and rollups of a product model are kept, counted from when they were measured."""

    readings: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """The readings themselves; without: as long as IOT_RETENTION says."""
    minutes: Annotated[Duration, Field(ge=timedelta(0))] | None = None
    """Rollups of a minute; without: as long as readings. 0s: none are made, which suits what reports once a minute."""
    hours: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """Rollups of an hour; without: for ever."""
    days: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """Rollups of a day; without: for ever."""

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Self:
        """A rollup is computed again from what is finer when a reading comes late, so that must be there as long."""
        named = [(name, span) for name in type(self).model_fields if (span := getattr(self, name))]
        for (finer, short), (coarser, long) in pairwise(named):
            if long < short:
                raise ValueError(f"{coarser} must be kept as long as {finer}, or longer")
        return self


class ProductModel(Frozen):
    """A kind of connected product."""

    id: Name
    """The id of the product model, as devices and rule files name it."""
    name: Text
    """What people call it."""
    metrics: Mapping[Name, Metric] = Field(min_length=1)
    """The numbers that its devices measure, by name."""
    attributes: Mapping[Name, ReportedText] = Field(default_factory=dict)
    """The texts that its devices report, by name."""
    events: tuple[str, ...] = ()
    """The device events that rules may ask for."""
    commands: Mapping[Name, CommandSpec] = Field(default_factory=dict)
    """What its devices can be told to do, by name."""
    parameters: Mapping[Name, float] = Field(default_factory=dict)
    """Numbers that rules use by name: defaults that overrides and devices may replace."""
    consumables: Mapping[Name, Consumable] = Field(default_factory=dict)
    """What its devices use up, by name."""
    plans: Mapping[Name, ServicePlan] = Field(default_factory=dict)
    """How often its devices are due for service, by the id of the service."""
    comparisons: Mapping[Name, Comparison] = Field(default_factory=dict)
    """How each of its devices is compared with its peers, by name."""
    position: Position | None = None
    """The metrics that say where a device is; without: its rules cannot ask for places."""
    areas: Mapping[Name, tuple[Circle, ...]] = Field(default_factory=dict)
    """Areas that rules may ask for, by name, each of one or more circles; a customer may have others in their place."""
    retention: Retention = Retention()
    """How long its readings are kept."""
    in_service_when: str | None = None
    """A new device is commissioning until this condition (CEL) holds; without: it is in service at once."""
    in_service_for: Duration = timedelta(0)
    """For how long it must hold."""


class Service(Frozen):
    """Something that people book."""

    id: Name
    """The id of the service, as rules name it."""
    name: Text
    """What people call it."""
    duration: Annotated[Duration, Field(gt=timedelta(0))]
    """How long it takes."""
    skill: str
    """What whoever does it must be able to do."""
    price: int = Field(ge=0)
    """Its price in minor units of the currency: 89000 øre are 890 kr."""
    currency: str = Field(default="NOK", pattern=r"^[A-Z]{3}$")
    """The currency of the price (ISO 4217)."""
    place: Literal["workshop", "site"]
    """Where it is done: at a workshop, or where the device stands."""
    products: tuple[Name, ...] = Field(min_length=1)
    """The product models that it is for."""


class ServiceFile(Frozen):
    """``services.yaml``: services by id."""

    services: Mapping[Name, Service]
    """The services, by id."""
