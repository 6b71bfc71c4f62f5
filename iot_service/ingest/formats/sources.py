"""Loads the files of sources: the shipped ones that are switched on by name, and all of one's own folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import combinations
from pathlib import Path

from iot_service.errors import StopError
from iot_service.ingest.formats.mapped import MappedSource
from iot_service.ingest.formats.source_spec import SourceSpec
from iot_service.ingest.formats.topicfilters import covers
from iot_service.products.catalog import Catalog
from iot_service.products.documents import Document, parse_document, suggestion, validate
from iot_service.products.problems import Problem, show_problems
from iot_service.products.units import conversion, is_unit


def shipped_sources() -> dict[str, Traversable]:
    """Return the files of the sources that are shipped, by name."""
    return {
        file.name.removesuffix(".yaml"): file for file in _yaml_files(resources.files("iot_service.ingest") / "sources")
    }


def load_sources(switched_on: Iterable[str], folder: Path | None, catalog: Catalog) -> list[MappedSource]:
    """Return the shipped sources named in ``switched_on``, and those of every file in ``folder``.

    A source in ``folder`` replaces a shipped one of the same name. Raises StopError with every problem of every file,
    one a line; a name that is not shipped is the caller's affair, and raises KeyError.
    """
    shipped = shipped_sources()
    files = [shipped[name] for name in switched_on]
    if folder is not None:
        if not folder.is_dir():
            raise StopError(f"IOT_SOURCES_DIR={folder}: there is no such folder")
        files += _yaml_files(folder)
    sources, problems = read_sources(files, catalog)
    if problems:
        raise StopError(show_problems(problems))
    return sources


def read_sources(files: Iterable[Traversable], catalog: Catalog) -> tuple[list[MappedSource], list[Problem]]:
    """Return the sources in ``files``, later ones of the same name winning, and all that is wrong with them."""
    found: dict[str, tuple[SourceSpec, Document]] = {}
    problems: list[Problem] = []
    for file in files:
        document = parse_document(str(file), file.read_text(encoding="utf-8"))
        spec, wrong = validate(document, SourceSpec)
        problems += wrong
        if spec is not None:
            found[spec.name] = (spec, document)
    for spec, document in found.values():
        problems += _check_names(spec, document, catalog)
    problems += _check_topics(found.values())
    return [MappedSource(spec) for spec, _ in found.values()], problems


def _yaml_files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)


def _check_names(spec: SourceSpec, document: Document, catalog: Catalog) -> Iterator[Problem]:
    """Find metrics and attributes that no product has, and units that do not fit."""
    units: dict[str, set[str]] = {}
    attributes: set[str] = set()
    for product in catalog.products.values():
        for name, metric in product.metrics.items():
            for spelling in (name, *metric.aliases):
                units.setdefault(spelling, set()).add(metric.unit)
        for name, text in product.attributes.items():
            attributes |= {name, *text.aliases}
    for place, message in enumerate(spec.messages):
        for path, value in ((path, value) for path, meant in message.values.items() for value in meant):
            at = ("messages", place, "values", path)
            if value.attribute is not None and value.attribute not in attributes:
                message_text = f"no product has an attribute '{value.attribute}'"
                yield document.problem(at, message_text + suggestion(value.attribute, sorted(attributes)))
            if value.metric is None:
                continue
            if value.metric not in units:
                message_text = f"no product has a metric '{value.metric}'"
                yield document.problem(at, message_text + suggestion(value.metric, sorted(units)))
            elif value.unit is not None and not is_unit(value.unit):
                yield document.problem(at, f"'{value.unit}' is no unit; write degC, mV, %, …")
            elif value.unit is not None and not any(conversion(value.unit, unit) for unit in units[value.metric]):
                wanted = ", ".join(sorted(units[value.metric]))
                yield document.problem(at, f"'{value.unit}' cannot become the unit of {value.metric}: {wanted}")


def _check_topics(sources: Iterable[tuple[SourceSpec, Document]]) -> Iterator[Problem]:
    """Find kinds of message all of which another kind gets as well; the broker might then deliver them twice."""
    kinds = [
        (spec, document, place, message) for spec, document in sources for place, message in enumerate(spec.messages)
    ]
    for (first, _, _, one), (_, document, place, other) in combinations(kinds, 2):
        if covers(one.topic_filter, other.topic_filter) or covers(other.topic_filter, one.topic_filter):
            message = f"'{other.topic}' and '{one.topic}' (source {first.name}) are the same topics; make them differ"
            yield document.problem(("messages", place, "topic"), message)
