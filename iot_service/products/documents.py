"""YAML files with the line of every field, and their validation against a pydantic model: all problems at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from iot_service.errors import StopError
from iot_service.products.problems import Problem

Location = tuple[int | str, ...]
ModelType = TypeVar("ModelType", bound=BaseModel)
_FASTEST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it: ten times as fast
_FEW = 1000
_NESTED = 50
_PLAINLY = {
    "string_type": "must be a text; put it in quotes",
    "tuple_type": "must be a list, such as [a, b]",
    "list_type": "must be a list, such as [a, b]",
    "mapping_type": "write keys with their values, as 'name: value' in each line",
    "dict_type": "write keys with their values, as 'name: value' in each line",
    "invalid_key": "YAML takes this key for no text; put it in quotes",
}
_DEEP = 5000  # far less than what makes the fast reader crash
_COMPACT = re.compile(r"(?:[-?:][ \t]+){200}")  # collections that begin in one line, one in another
_INDENT = re.compile(r"^[ ?:-]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its data, and the line (from 1) that each field's path stands on.

    ``notes`` say of fields what is to be added to every problem with them or with what is in them.
    """

    file: str
    data: Any
    lines: dict[Location, int]
    problems: tuple[Problem, ...] = ()
    notes: Mapping[Location, str] = field(default_factory=dict)

    def line(self, location: Sequence[int | str]) -> int:
        """Return the line of the field at ``location``, or of the nearest field around it that exists."""
        path = tuple(location)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, location: Sequence[int | str], message: str) -> Problem:
        """Return a problem with the field at ``location``."""
        note = self._note(location) if self.notes else ""
        said = f"{message} ({note})" if note else message
        return Problem(self.file, self.line(location), ".".join(map(str, location)), said)

    def _note(self, location: Sequence[int | str]) -> str:
        for length in range(len(location), 0, -1):
            note = self.notes.get(tuple(location[:length]))
            if note is not None:
                return note
        return ""


def read_text(file: Traversable) -> str:
    """Return the text of a YAML file. Raises StopError, with the line, where it is not UTF-8."""
    written = file.read_bytes()
    try:
        return written.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        raise StopError(f"{file}:{line}: is not UTF-8; save it as such") from error


def parse_document(file: str, text: str) -> Document:
    """Parse one YAML document. A syntax error or a key that stands twice becomes a problem of the document.

    So does nesting without end, and a few lines whose aliases (``*name``) stand for millions: what is written takes a
    character a field at least, so there can be no more fields than characters.
    """
    try:
        if _is_shallow(text):
            return _parse(file, text, _FASTEST)
    except (yaml.YAMLError, RecursionError):
        pass  # the slower reader says better what is wrong
    try:
        return _parse(file, text, yaml.SafeLoader)
    except RecursionError:  # of the slower reader, which stops at Python's limit and not with a crash
        return Document(file, None, {}, (Problem(file, 1, "", "not YAML: it is nested too deeply"),))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = f"not YAML: {getattr(error, 'problem', None) or error}"
        return Document(file, None, {}, (Problem(file, mark.line + 1 if mark else 1, "", message),))


def _is_shallow(text: str) -> bool:
    """Return whether ``text`` is not nested so deeply that libyaml, which knows no limit, overflows the stack."""
    if any(len(found.group()) > _FEW for found in _INDENT.finditer(text)):
        return False
    if text.count("[") + text.count("{") <= _FEW:
        return True
    depth = 0
    for event in yaml.parse(text, Loader=_FASTEST):  # one by one, so that nothing is nested here
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _NESTED:
            return False
    return True


def _parse(file: str, text: str, reader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> Document:
    lines: dict[Location, int] = {}
    problems: list[Problem] = []
    loader = reader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(file, None, lines)
        most = max(len(text), _FEW)
        # Before the data is made of it, which resolves what is merged.
        _walk(file, node, (), lines, problems, most=most)
        try:
            data = loader.construct_document(node)
        except (ValueError, KeyError, AttributeError, OverflowError) as error:
            raise _no_value(node, reader) or error from error
        return Document(file, data, lines, tuple(problems))
    finally:
        loader.dispose()


def _no_value(node: yaml.Node, reader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> yaml.YAMLError | None:
    """Return an error at the first scalar in ``node`` that looks like a value and is none, such as 30 February."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, yaml.ScalarNode):
            try:
                reader("").construct_document(here)
            except (ValueError, KeyError, AttributeError, OverflowError):
                kind = here.tag.rpartition(":")[2]
                said = f"'{here.value[:40]}' looks like a {kind} and is none; put it in quotes if it is a text"
                return yaml.MarkedYAMLError(problem=said, problem_mark=here.start_mark)
        elif isinstance(here, yaml.MappingNode):
            waiting += [each for pair in reversed(here.value) for each in reversed(pair)]
        elif isinstance(here, yaml.SequenceNode):
            waiting += reversed(here.value)
    return None


def _walk(
    file: str, node: yaml.Node, path: Location, lines: dict[Location, int], problems: list[Problem], *, most: int
) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _NESTED:
        raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=node.start_mark)
    if len(lines) > most:
        raise yaml.MarkedYAMLError(problem="its aliases stand for too many fields", problem_mark=node.start_mark)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            lines[(*path, name)] = key.start_mark.line + 1
            if name in seen:
                field = ".".join(map(str, (*path, name)))
                problems.append(Problem(file, key.start_mark.line + 1, field, "stands twice; remove one of them"))
            seen.add(name)
            _walk(file, value, (*path, name), lines, problems, most=most)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(file, value, (*path, index), lines, problems, most=most)


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
    return _PLAINLY.get(kind) or message.removeprefix("Value error, ").replace("datetime.timedelta(0)", "0")


def _keys_around(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that are allowed where ``location`` ends, as far as the model says."""
    found: Any = model
    for part in location[:-1]:
        fields = getattr(found, "model_fields", None)
        if fields is None:
            continue
        for name, info in fields.items():
            if part in (name, info.alias):
                found = _inner_model(info.annotation)
    fields = getattr(found, "model_fields", {})
    return [info.alias or name for name, info in fields.items()]


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
