"""Loading a file of customers, their devices and who serves them. Running it twice is harmless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import ErrorDetails

from iot_service.customers.agreements import AgreementInput, put_agreement
from iot_service.customers.change import Change
from iot_service.customers.inputs import (
    CustomerInput,
    DeviceInput,
    Input,
    SiteInput,
    SubscriptionInput,
    TechnicianInput,
    WorkshopInput,
)
from iot_service.customers.store import put_customer, put_device, put_site
from iot_service.customers.subscriptions import put_subscription, stock_is_known
from iot_service.customers.workshops import put_technician, put_workshop
from iot_service.db import Connection
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.products.documents import Location, parse_document, suggestion
from iot_service.products.problems import Problem, show_problems

ACTOR = "load"
_REFERENCES = {
    "customer_id": "customers",
    "site_id": "sites",
    "device_id": "devices",
    "workshop_id": "workshops",
}


class ServicedInput(Input):
    """When a service was done last (a day: its beginning, UTC), and what counters showed then."""

    at: date | AwareDatetime
    readings: dict[str, float] = Field(default_factory=dict)


class DeviceEntry(DeviceInput):
    """A device as a load file has it: with when each of its services was done last, by service."""

    serviced: dict[str, ServicedInput] = Field(default_factory=dict)


class CustomerEntry(CustomerInput, AgreementInput):
    """A customer as a load file has it: with what she agreed to."""


@dataclass(frozen=True, slots=True)
class InitialStock:
    """What a device holds at the start, in units of the consumable; commerce turns it into a supply counter."""

    device_id: str
    consumable: str
    quantity: float


@dataclass(frozen=True, slots=True)
class LastService:
    """When a service of a device was done last (UTC), and what its counters showed; the rules count from there."""

    device_id: str
    service: str
    at: datetime
    readings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a file changed: numbers per section, and the initial stocks and last services that are still to be set."""

    created: Mapping[str, int]
    changed: Mapping[str, int]
    unchanged: Mapping[str, int]
    initial_stock: tuple[InitialStock, ...]
    serviced: tuple[LastService, ...] = ()

    @property
    def nothing_changed(self) -> bool:
        """Whether the file found everything as it says."""
        return not (self.created or self.changed or self.initial_stock)


class LoadError(InvalidInputError):
    """A file cannot be loaded; ``problems`` lists all that is wrong, in order of lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__(show_problems(self.problems))


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    model: type[Input]
    put: Callable[[Any], Change]


def load_file(
    path: Path | str, connection: Connection, catalog: Catalog, now: datetime, *, name: str | None = None
) -> LoadReport:
    """Load the file at ``path`` (or, where ``path`` is text with line breaks, that text) in the caller's transaction.

    What the file does not mention stays as it is. Raises LoadError with every problem at once; the caller must roll
    back then. The caller sets the report's initial stocks, in the same transaction.
    """
    if isinstance(path, str) and "\n" in path:
        return _Load(path, name or "text", connection, catalog, now).run()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LoadError([Problem(str(path), 0, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise LoadError([Problem(str(path), 0, "", f"is no text in UTF-8: {error}")]) from None
    return _Load(text, name or str(path), connection, catalog, now).run()


class _Load:
    def __init__(self, text: str, name: str, connection: Connection, catalog: Catalog, now: datetime) -> None:
        self._connection = connection
        self._catalog = catalog
        self._now = now
        self._problems: list[Problem] = []
        self._bad: set[tuple[str, str]] = set()
        self._counts: Counter[tuple[str, Change]] = Counter()
        self._stock: list[InitialStock] = []
        self._serviced: list[LastService] = []
        self._document = parse_document(name, text)

    def run(self) -> LoadReport:
        self._problems += self._document.problems
        sections = self._sections()
        known = [section.name for section in sections]
        content = self._document.data if self._document.data is not None else {}
        if not isinstance(content, dict):
            self._problems.append(self._document.problem((), f"must have keys out of {', '.join(known)}"))
            content = {}
        for key in content.keys() - set(known):
            self._problems.append(self._document.problem((str(key),), "unknown key" + suggestion(str(key), known)))
        for section in sections:
            self._load_section(section, content.get(section.name))
        if self._problems:
            raise LoadError(self._problems)
        return LoadReport(
            created=self._count(Change.CREATED),
            changed=self._count(Change.CHANGED),
            unchanged=self._count(Change.UNCHANGED),
            initial_stock=tuple(self._stock),
            serviced=tuple(self._serviced),
        )

    def _sections(self) -> tuple[_Section, ...]:
        connection, catalog = self._connection, self._catalog
        return (
            _Section("customers", CustomerEntry, self._put_customer),
            _Section("sites", SiteInput, lambda site: put_site(connection, site)),
            _Section("devices", DeviceEntry, self._put_device),
            _Section("workshops", WorkshopInput, lambda shop: put_workshop(connection, shop, catalog=catalog)),
            _Section("technicians", TechnicianInput, lambda technician: put_technician(connection, technician)),
            _Section("subscriptions", SubscriptionInput, self._put_subscription),
        )

    def _load_section(self, section: _Section, entries: object) -> None:
        if entries is None:
            return
        if not isinstance(entries, list):
            self._problems.append(self._document.problem((section.name,), "must be a list of entries, each with a '-'"))
            return
        seen: set[str] = set()
        for place, raw in enumerate(entries):
            path: Location = (section.name, place)
            entry_id = str(raw.get("id")) if isinstance(raw, dict) else ""
            if entry_id and entry_id in seen:
                self._problems.append(self._document.problem((*path, "id"), f"{entry_id!r} stands twice; keep one"))
            seen.add(entry_id)
            if not self._load_entry(section, path, raw):
                self._bad.add((section.name, entry_id))

    def _load_entry(self, section: _Section, path: Location, raw: object) -> bool:
        try:
            entry = section.model.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors():
                place = (*path, *detail["loc"])
                self._problems.append(self._document.problem(place, _explain(detail, section.model)))
            return False
        if any((_REFERENCES[name], getattr(entry, name)) in self._bad for name in _REFERENCES if hasattr(entry, name)):
            return False  # what it refers to is wrong itself: one problem, said once
        try:
            self._counts[section.name, section.put(entry)] += 1
        except InvalidInputError as error:
            place = (*path, *error.field.split(".")) if error.field else path
            self._problems.append(self._document.problem(place, error.detail))
            return False
        return True

    def _put_customer(self, entry: CustomerEntry) -> Change:
        customer = CustomerInput(**entry.model_dump(include=set(CustomerInput.model_fields)))
        change = put_customer(self._connection, customer, now=self._now)
        agreed = put_agreement(self._connection, entry.id, entry, actor=ACTOR, now=self._now)
        return Change.CHANGED if agreed and change is Change.UNCHANGED else change

    def _put_device(self, entry: DeviceEntry) -> Change:
        device = DeviceInput(**entry.model_dump(include=set(DeviceInput.model_fields)))
        change = put_device(self._connection, device, catalog=self._catalog, actor=ACTOR, now=self._now)
        plans = self._catalog.products[device.product].plans
        for service, last in entry.serviced.items():
            if service not in plans:
                said = f"a {device.product} has no plan for {service!r}" + suggestion(service, list(plans))
                raise InvalidInputError(said, field=f"serviced.{service}")
            for name in last.readings.keys() - set(plans[service].counters):
                said = f"the plan has no counter {name!r}" + suggestion(name, list(plans[service].counters))
                raise InvalidInputError(said, field=f"serviced.{service}.readings.{name}")
            at = last.at if isinstance(last.at, datetime) else datetime.combine(last.at, time(), UTC)
            self._serviced.append(LastService(entry.id, service, at, last.readings))
        return change

    def _put_subscription(self, entry: SubscriptionInput) -> Change:
        change = put_subscription(self._connection, entry, catalog=self._catalog, actor=ACTOR, now=self._now)
        if entry.initial_stock is not None and not stock_is_known(self._connection, entry.device_id, entry.consumable):
            self._stock.append(InitialStock(entry.device_id, entry.consumable, entry.initial_stock))
        return change

    def _count(self, change: Change) -> dict[str, int]:
        return {name: number for (name, counted), number in self._counts.items() if counted is change}


def _explain(detail: ErrorDetails, model: type[Input]) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        known = list(model.model_fields) if len(detail["loc"]) == 1 else []
        return "unknown key" + suggestion(str(detail["loc"][-1]), known)
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "string_type" and isinstance(detail["input"], int | float):
        return f"{detail['input']} is read as a number; put it in quotes"
    if detail["type"] == "string_pattern_mismatch":
        return f"{detail['input']!r} must match {detail['ctx']['pattern']}"
    shown = detail["input"]
    return (
        f"{message}, not {shown!r}" if isinstance(shown, str | int | float) and str(shown) not in message else message
    )
