"""The catalog: product models, their rules and the services, read from YAML files, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from iot_service.errors import StopError
from iot_service.products.documents import Document, ModelType, parse_document, suggestion, validate
from iot_service.products.model import ProductModel, Service, ServiceFile
from iot_service.products.problems import Problem, show_problems
from iot_service.products.rule_spec import RuleFile, RuleSpec
from iot_service.products.units import is_unit


class Catalog(BaseModel):
    """Everything that is known about kinds of product. ``rules`` is product id → rule id → rule."""

    model_config = ConfigDict(frozen=True)

    products: Mapping[str, ProductModel]
    services: Mapping[str, Service]
    rules: Mapping[str, Mapping[str, RuleSpec]]


def load_catalog(extra: Path | None = None) -> Catalog:
    """Return the shipped catalog, with the files of the folder ``extra`` on top.

    A product model of the same id replaces the shipped one; rules and services of the same id replace theirs.
    Raises StopError with every problem of every file, one a line.
    """
    files: list[Traversable] = shipped_files()
    if extra is not None:
        if not extra.is_dir():
            raise StopError(f"IOT_PRODUCTS_DIR={extra}: there is no such folder")
        files += _yaml_files(extra)
    read = read_catalog(files)
    if read.problems:
        raise StopError(show_problems(read.problems))
    return read.catalog


@dataclass(frozen=True, slots=True)
class CatalogFiles:
    """A catalog with all that is wrong with its files.

    ``sources`` gives the document that a thing was read from, by ("product", id), ("rule", product, id) or
    ("service", id).
    """

    catalog: Catalog
    problems: list[Problem]
    sources: Mapping[tuple[str, ...], Document]


def read_catalog(files: Iterable[Traversable]) -> CatalogFiles:
    """Return what ``files`` hold together, later ones winning, and all that is wrong with them."""
    reader = _Reader()
    for file in files:
        reader.read(str(file), file.name, file.read_text(encoding="utf-8"))
    reader.cross_check()
    catalog = Catalog(products=reader.products, services=reader.services, rules=reader.rules)
    return CatalogFiles(catalog, reader.problems, reader.sources)


def shipped_files() -> list[Traversable]:
    """Return the files of the shipped product models, rules and services."""
    return _yaml_files(resources.files("iot_service.products"))


def _yaml_files(folder: Traversable) -> list[Traversable]:
    names = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return [file for file in names if not file.name.endswith(".test.yaml")]


class _Reader:
    """Collects files into one catalog, and remembers where each thing came from."""

    def __init__(self) -> None:
        self.products: dict[str, ProductModel] = {}
        self.services: dict[str, Service] = {}
        self.rules: dict[str, dict[str, RuleSpec]] = {}
        self.problems: list[Problem] = []
        self.sources: dict[tuple[str, ...], Document] = {}

    def read(self, path: str, name: str, text: str) -> None:
        document = parse_document(path, text)
        if name.endswith(".rules.yaml"):
            _name_entries(document.data, "rules")
            rules = self._validated(document, RuleFile) or _sound_rules(document.data)
            if rules is not None:
                self.sources |= {("rule", rules.product, rule): document for rule in rules.rules}
                self.sources["rules", rules.product] = document
                self.rules.setdefault(rules.product, {}).update(rules.rules)
        elif name.endswith("services.yaml"):
            _name_entries(document.data, "services")
            services = self._validated(document, ServiceFile)
            if services is not None:
                self.sources |= {("service", service): document for service in services.services}
                self.services |= services.services
        else:
            product = self._validated(document, ProductModel)
            if product is not None:
                self.sources["product", product.id] = document
                self.products[product.id] = product

    def _validated(self, document: Document, model: type[ModelType]) -> ModelType | None:
        result, problems = validate(document, model)
        self.problems += problems
        return result

    def cross_check(self) -> None:
        """Find what one file says of another that is not so."""
        for product in self.products.values():
            self._check_product(product)
            self.rules.setdefault(product.id, {})
        for service in self.services.values():
            source = self.sources["service", service.id]
            for index, name in enumerate(service.products):
                if name not in self.products:
                    location = ("services", service.id, "products", index)
                    self._add(source, location, f"no product '{name}'", list(self.products))
        for name, rules in self.rules.items():
            if name not in self.products:
                self._add(self.sources["rules", name], ("product",), f"no product '{name}'", list(self.products))
                continue
            for rule in rules.values():
                self._check_rule(self.products[name], rule)

    def _check_product(self, product: ProductModel) -> None:
        source = self.sources["product", product.id]
        for name, metric in product.metrics.items():
            if not is_unit(metric.unit):
                message = f'{metric.unit!r} is no unit; write °C, km/h, kPa, %, …, or "1" for a plain number'
                self.problems.append(source.problem(("metrics", name, "unit"), message))
        for name, consumable in product.consumables.items():
            for index, counter in enumerate(consumable.counters):
                if counter not in product.metrics:
                    location = ("consumables", name, "counters", index)
                    self._add(source, location, f"no metric '{counter}'", list(product.metrics))
        owner: dict[str, str] = {name: name for name in (*product.metrics, *product.attributes)}
        for kind, entries in (("metrics", product.metrics), ("attributes", product.attributes)):
            for name, entry in entries.items():
                for alias in entry.aliases:
                    if owner.setdefault(alias, name) != name:
                        self._add(source, (kind, name, "aliases"), f"'{alias}' already names '{owner[alias]}'", [])

    def _check_rule(self, product: ProductModel, rule: RuleSpec) -> None:
        source = self.sources["rule", product.id, rule.id]
        at = ("rules", rule.id)
        if rule.service is not None and rule.service not in self.services:
            self._add(source, (*at, "service"), f"no service '{rule.service}'", list(self.services))
        if rule.consumable is not None and rule.consumable not in product.consumables:
            self._add(source, (*at, "consumable"), f"no consumable '{rule.consumable}'", list(product.consumables))
        for index, metric in enumerate(rule.absent):
            if metric not in product.metrics:
                self._add(source, (*at, "absent", index), f"no metric '{metric}'", list(product.metrics))

    def _add(self, source: Document, location: tuple[int | str, ...], message: str, known: list[str]) -> None:
        wrong = message.split("'")[1] if "'" in message else ""
        self.problems.append(source.problem(location, message + suggestion(wrong, known)))


def _sound_rules(data: Any) -> RuleFile | None:
    """Return what is right of a rule file in which something is wrong, so that all the rest is looked at as well."""
    entries = data.get("rules") if isinstance(data, dict) else None
    if not isinstance(entries, dict) or not isinstance(data.get("product"), str):
        return None
    sound: dict[str, RuleSpec] = {}
    for name, entry in entries.items():
        with suppress(ValidationError):
            sound[str(name)] = RuleSpec.model_validate(entry)
    return RuleFile(product=data["product"], rules=sound)


def _name_entries(data: Any, key: str) -> None:
    """Give each entry of ``data[key]`` the id it stands under, so that it need not be written twice."""
    entries = data.get(key) if isinstance(data, dict) else None
    if isinstance(entries, dict):
        for name, entry in entries.items():
            if isinstance(entry, dict):
                entry.setdefault("id", name)
