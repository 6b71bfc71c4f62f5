"""The catalog: product models, their rules and the services, read from YAML files, checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from iot_service.errors import StopError
from iot_service.products.cache import CacheFile, digest
from iot_service.products.collecting import without_collecting
from iot_service.products.comparison import comparison_problems
from iot_service.products.documents import Document, ModelType, parse_document, read_text, suggestion, validate
from iot_service.products.model import ProductModel, Service, ServiceFile
from iot_service.products.problems import Problem, show_problems
from iot_service.products.rule_spec import RuleFile, RuleSpec
from iot_service.products.service_plan import plan_problems
from iot_service.products.templates import Known, TemplateFile, expand, read_templates
from iot_service.products.units import is_unit

TEMPLATES = "templates.yaml"
"""How files of templates for all rule files are called, or end."""


class Catalog(BaseModel):
    """Everything that is known about kinds of product. ``rules`` is product id → rule id → rule."""

    model_config = ConfigDict(frozen=True)

    products: Mapping[str, ProductModel]
    services: Mapping[str, Service]
    rules: Mapping[str, Mapping[str, RuleSpec]]


def load_catalog(extra: Path | None = None, *, cache: CacheFile | None = None) -> Catalog:
    """Return the shipped catalog, with the files of the folder ``extra`` on top.

    A product model of the same id replaces the shipped one; rules and services of the same id replace theirs.
    ``cache`` keeps what files say, so that those that have not changed since need not be parsed again; they are
    validated all the same. Raises StopError with every problem of every file, one a line.
    """
    return load_files(extra, cache=cache).catalog


@dataclass(frozen=True, slots=True)
class CatalogFiles:
    """A catalog with all that is wrong with its files.

    ``sources`` gives the document that a thing was read from, by ("product", id), ("rule", product, id) or
    ("service", id).
    """

    catalog: Catalog
    problems: list[Problem]
    sources: Mapping[tuple[str, ...], Document]


def load_files(extra: Path | None = None, *, cache: CacheFile | None = None) -> CatalogFiles:
    """Return what :func:`load_catalog` does, with the documents that everything was read from. Raises StopError."""
    files: list[Traversable] = shipped_files()
    if extra is not None:
        if not extra.is_dir():
            raise StopError(f"IOT_PRODUCTS_DIR={extra}: there is no such folder")
        files += _yaml_files(extra)
    read = read_catalog(files, cache=cache)
    if read.problems and cache is not None:
        read = read_catalog(files)  # what is kept of a file does not say on which lines its fields stand
    if read.problems:
        raise StopError(show_problems(read.problems))
    if cache is not None:
        cache.save()
    return read


@without_collecting()
def read_catalog(files: Iterable[Traversable], *, cache: CacheFile | None = None) -> CatalogFiles:
    """Return what ``files`` hold together, later ones winning, and all that is wrong with them.

    Problems with files that ``cache`` knows come without the lines.
    """
    reader = _Reader(cache)
    for file in sorted(files, key=lambda file: not file.name.endswith(TEMPLATES)):  # before those that use them
        reader.read(str(file), file.name, read_text(file))
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

    def __init__(self, cache: CacheFile | None) -> None:
        self._cache = cache
        self.products: dict[str, ProductModel] = {}
        self.services: dict[str, Service] = {}
        self.rules: dict[str, dict[str, RuleSpec]] = {}
        self._templates: dict[str, Known] = {}
        self.problems: list[Problem] = []
        self.sources: dict[tuple[str, ...], Document] = {}

    def read(self, path: str, name: str, text: str) -> None:
        document = self._document(path, text)
        if name.endswith(TEMPLATES):
            self._take_templates(document)
        elif name.endswith(".rules.yaml"):
            document = expand(document, self._templates)
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

    def _take_templates(self, document: Document) -> None:
        templates, problems = read_templates(document)
        self._templates |= templates
        self.problems += problems
        if not problems:
            self._validated(document, TemplateFile)

    def _document(self, path: str, text: str) -> Document:
        if self._cache is None:
            return parse_document(path, text)
        key = digest(text)
        data = self._cache.get(key)
        if data is not None:
            return Document(path, data, {})
        document = parse_document(path, text)
        if not document.problems:
            self._cache.put(key, document.data)
        return document

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
        self._check_derived(source, product)
        owner: dict[str, str] = {name: name for name in (*product.metrics, *product.attributes)}
        for kind, entries in (("metrics", product.metrics), ("attributes", product.attributes)):
            for name, entry in entries.items():
                for alias in entry.aliases:
                    if owner.setdefault(alias, name) != name:
                        self._add(source, (kind, name, "aliases"), f"'{alias}' already names '{owner[alias]}'", [])

    def _check_derived(self, source: Document, product: ProductModel) -> None:
        """Find what is wrong with the service plans and comparisons of ``product``."""
        counts = {name: metric.counter for name, metric in product.metrics.items()}
        for service in product.plans:
            if service not in self.services:
                self._add(source, ("plans", service), f"no service '{service}'", list(self.services))
        for field, message in plan_problems(product.plans, counts, product.parameters):
            self._add(source, ("plans", *field), message, [*counts, *product.parameters])
        for field, message in comparison_problems(product.comparisons, counts):
            self._add(source, ("comparisons", *field), message, list(counts))

    def _check_rule(self, product: ProductModel, rule: RuleSpec) -> None:
        source = self.sources["rule", product.id, rule.id]
        for field, message in reference_problems(product, self.services, rule):
            self.problems.append(source.problem(("rules", rule.id, *field), message))

    def _add(self, source: Document, location: tuple[int | str, ...], message: str, known: list[str]) -> None:
        self.problems.append(source.problem(location, _with_suggestion(message, known)))


def reference_problems(
    product: ProductModel, services: Collection[str], rule: RuleSpec
) -> list[tuple[tuple[int | str, ...], str]]:
    """Return which fields of ``rule`` name what neither ``product`` nor ``services`` have, each with what is wrong."""
    found: list[tuple[tuple[int | str, ...], str]] = []
    if rule.service is not None and rule.service not in services:
        found.append((("service",), _with_suggestion(f"no service '{rule.service}'", services)))
    if rule.consumable is not None and rule.consumable not in product.consumables:
        found.append((("consumable",), _with_suggestion(f"no consumable '{rule.consumable}'", product.consumables)))
    for index, metric in enumerate(rule.absent):
        if metric not in product.metrics:
            found.append((("absent", index), _with_suggestion(f"no metric '{metric}'", product.metrics)))
    return found


def _with_suggestion(message: str, known: Iterable[str]) -> str:
    wrong = message.split("'")[1] if "'" in message else ""
    return message + suggestion(wrong, list(known))


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
