"""YAML files with the line of every field, and their validation against a pydantic model: all problems at once."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from iot_service.products.problems import Problem

Location = tuple[int | str, ...]
ModelType = TypeVar("ModelType", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its data, and the line (from 1) that each field's path stands on."""

    file: str
    data: Any
    lines: dict[Location, int]
    problems: tuple[Problem, ...] = ()

    def line(self, location: Sequence[int | str]) -> int:
        """Return the line of the field at ``location``, or of the nearest field around it that exists."""
        path = tuple(location)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, location: Sequence[int | str], message: str) -> Problem:
        """Return a problem with the field at ``location``."""
        return Problem(self.file, self.line(location), ".".join(map(str, location)), message)


def parse_document(file: str, text: str) -> Document:
    """Parse one YAML document. A syntax error or a key that stands twice becomes a problem of the document."""
    lines: dict[Location, int] = {}
    problems: list[Problem] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _walk(file, node, (), lines, problems)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = f"not YAML: {getattr(error, 'problem', None) or error}"
        return Document(file, None, lines, (Problem(file, mark.line + 1 if mark else 1, "", message),))
    return Document(file, data, lines, tuple(problems))


def _walk(file: str, node: yaml.Node, path: Location, lines: dict[Location, int], problems: list[Problem]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            lines[(*path, name)] = key.start_mark.line + 1
            if name in seen:
                field = ".".join(map(str, (*path, name)))
                problems.append(Problem(file, key.start_mark.line + 1, field, "stands twice; remove one of them"))
            seen.add(name)
            _walk(file, value, (*path, name), lines, problems)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(file, value, (*path, index), lines, problems)


def validate(document: Document, model: type[ModelType]) -> tuple[ModelType | None, list[Problem]]:
    """Return ``document`` as ``model``, or None with everything that is wrong."""
    problems = list(document.problems)
    if problems and document.data is None:
        return None, problems
    try:
        result = model.model_validate(document.data)
    except ValidationError as error:
        return None, problems + [
            document.problem(_yaml_location(e["loc"]), _explain(model, e["loc"], e["type"], e["msg"]))
            for e in error.errors()
        ]
    return (None if problems else result), problems


def _yaml_location(location: Location) -> Location:
    return tuple(part for part in location if part != "[key]")


def _explain(model: type[BaseModel], location: Location, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        known = _keys_around(model, location)
        return "no such key" + suggestion(str(location[-1]), known)
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return "is empty or a mere value; write keys with their values, as 'name: value' in each line"
    return message.removeprefix("Value error, ")


def _keys_around(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that are allowed where ``location`` ends, as far as the model says."""
    found: Any = model
    for part in location[:-1]:
        fields = getattr(found, "model_fields", None)
        if fields is None:
            continue
        for name, field in fields.items():
            if part in (name, field.alias):
                found = _inner_model(field.annotation)
    fields = getattr(found, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _inner_model(annotation: Any) -> Any:
    """Return the model within a field's type (``Mapping[str, M]``, ``M | None``, ``tuple[M, ...]``), or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """Return `` (did you mean 'x'?)``, or the list of what is known when nothing comes near."""
    close = difflib.get_close_matches(wrong, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known here: {', '.join(sorted(known))}" if known else ""
