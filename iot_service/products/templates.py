"""Templates with parameters: rules that are written once, and used by several rules with values of their own.

What they stand for is put in their place in the parsed file before it is validated, so nothing else knows of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from iot_service.products.documents import Document, Location, suggestion, validate
from iot_service.products.model import Frozen, Name
from iot_service.products.problems import Problem
from iot_service.products.rule_spec import RuleSpec

_HOLE = re.compile(r"\$\{([^}]*)\}")
_RULE_KEYS = sorted({field.alias or name for name, field in RuleSpec.model_fields.items()} - {"id"})


class Template(Frozen):
    """A rule with holes: each ``${name}`` in it is filled by the rules that use it."""

    parameters: Mapping[Name, Any] = Field(default_factory=dict)
    """Its parameters with their defaults; one that is left empty must be given by every rule that uses it."""
    rule: Mapping[str, Any]
    """The keys of a rule. A value that is ``${name}`` alone keeps the type of the parameter; others become text."""


class TemplateFile(Frozen):
    """``templates.yaml``: templates for the rule files of the same folder, and of every product model."""

    templates: Mapping[Name, Template]
    """The templates, by name."""


class TemplateUse(Frozen):
    """What a rule says that uses a template; the other keys of a rule replace those of the template."""

    use: Name
    """The name of the template; other keys of a rule take the place of those of the template."""
    with_: Mapping[Name, Any] = Field(default_factory=dict, alias="with")
    """Values for the parameters of the template."""


@dataclass(frozen=True, slots=True)
class Known:
    """A template, None where something is wrong with it, and where it stands (``file:line``)."""

    template: Template | None
    place: str


def read_templates(document: Document) -> tuple[dict[str, Known], list[Problem]]:
    """Return the templates that stand under ``templates`` in ``document``, and what is wrong with them."""
    entries = document.data.get("templates") if isinstance(document.data, dict) else None
    if entries is None:
        return {}, []
    if not isinstance(entries, dict):
        return {}, [document.problem(("templates",), "write templates by name, as 'name: {parameters: …, rule: …}'")]
    found: dict[str, Known] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        at = ("templates", str(name))
        part = Document(document.file, {"templates": {name: entry}}, document.lines)
        file, wrong = validate(part, TemplateFile)
        if file is not None:
            wrong = [document.problem((*at, *where), message) for where, message in _mistakes(file.templates[name])]
        problems += wrong
        place = f"{document.file}:{document.line(at)}" if document.lines else document.file
        found[str(name)] = Known(None if wrong or file is None else file.templates[name], place)
    return found, problems


def expand(document: Document, shared: Mapping[str, Known]) -> Document:
    """Return the rule file ``document`` with every ``use`` of a template replaced by the rule that it stands for.

    Its own templates go before the ``shared`` ones. What is wrong is among the problems of the new document, at the
    line of the use; a rule that cannot be filled in is left out. A document without templates is returned as it is.
    """
    data = document.data
    entries = data.get("rules") if isinstance(data, dict) else None
    rules = entries if isinstance(entries, dict) else {}
    if not isinstance(data, dict) or not ("templates" in data or any(map(_has_use, rules.values()))):
        return document
    own, problems = read_templates(document)
    expansion = _Expansion(document, {**shared, **own}, problems)
    filled = {name: expansion.rule(str(name), rule) if _has_use(rule) else rule for name, rule in rules.items()}
    rest = {name: value for name, value in data.items() if name != "templates"}
    if rules:
        rest["rules"] = {name: rule for name, rule in filled.items() if rule is not None}
    return replace(
        document,
        data=rest,
        problems=(*document.problems, *expansion.problems),
        notes={**document.notes, **expansion.notes},
    )


def _has_use(rule: Any) -> bool:
    return isinstance(rule, dict) and ("use" in rule or "with" in rule)


class _Expansion:
    def __init__(self, document: Document, known: Mapping[str, Known], problems: list[Problem]) -> None:
        self._document = document
        self._known = known
        self.problems = problems
        self.notes: dict[Location, str] = {}

    def rule(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the rule that ``entry`` stands for; None, with problems noted, where that cannot be said."""
        at = ("rules", name)
        if "use" not in entry:
            self._add((*at, "with"), "is for rules that use a template; say which by 'use'")
            return None
        use, given = entry["use"], entry.get("with", {})
        known = self._known.get(use) if isinstance(use, str) else None
        if known is None:
            self._add((*at, "use"), f"no template '{use}'{suggestion(str(use), list(self._known))}")
            return None
        if not isinstance(given, dict):
            self._add((*at, "with"), "write the parameters with their values, as {name: value}")
            return None
        if known.template is None:
            return None
        before = len(self.problems)
        values = self._values(at, use, known.template, given, said="with" in entry)
        filled = _fill(known.template.rule, values, lambda message: self._add((*at, "use"), message))
        if len(self.problems) > before:
            return None
        own = {key: value for key, value in entry.items() if key not in ("use", "with")}
        self.notes[at] = f"template '{use}', {known.place}"
        self.notes |= {(*at, key): "" for key in own}
        return {**filled, **own}

    def _values(
        self, at: Location, use: str, template: Template, given: Mapping[str, Any], *, said: bool
    ) -> dict[str, Any]:
        parameters = template.parameters
        for name in given:
            if name not in parameters:
                message = f"template '{use}' has no parameter '{name}'{suggestion(str(name), list(parameters))}"
                self._add((*at, "with", str(name)), message)
        values = {**parameters, **{str(name): value for name, value in given.items()}}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            where = (*at, "with" if said else "use")
            self._add(where, f"template '{use}' needs a value for {', '.join(missing)}")
        return values

    def _add(self, location: Location, message: str) -> None:
        self.problems.append(self._document.problem(location, message))


def _fill(value: Any, values: Mapping[str, Any], complain: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _fill(inner, values, complain) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(inner, values, complain) for inner in value]
    if not isinstance(value, str):
        return value
    alone = _HOLE.fullmatch(value)
    if alone is not None:
        return values.get(alone[1])

    def text(hole: re.Match[str]) -> str:
        found = values.get(hole[1])
        if isinstance(found, Mapping | list | tuple):
            complain(f"parameter '{hole[1]}' is a text or a number where it stands within a text")
        return str(found).lower() if isinstance(found, bool) else str(found)

    return _HOLE.sub(text, value)


def _mistakes(template: Template) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong with a template whoever uses it, with its place in it."""
    for key in template.rule:
        if key not in _RULE_KEYS:
            yield ("rule", key), f"no such key{suggestion(key, _RULE_KEYS)}"
    used: set[str] = set()
    for location, name in _holes(template.rule, ("rule",)):
        used.add(name)
        if name not in template.parameters:
            yield location, f"there is no parameter '{name}'{suggestion(name, list(template.parameters))}"
    for name in template.parameters:
        if name not in used:
            yield ("parameters", name), "is never used; remove it"


def _holes(value: Any, at: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _holes(inner, (*at, str(key)))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _holes(inner, (*at, place))
    elif isinstance(value, str):
        for name in _HOLE.findall(value):
            yield at, name
