"""What a rule may cost: bounds that are checked before it runs, so that none can run long or grow without end.

An expression cannot call out: it has the functions that are named in rewriting.py, and no others. How long it can take
is estimated from its syntax tree, as CEL's own cost estimates are: in steps, with every list as long as lists may be.
A step takes some 0.1 to 0.4 µs, so the dearest expression that is allowed takes some ten milliseconds, where usual ones
take some ten microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import prod
from typing import Any

from iot_service.products.durations import show_duration
from iot_service.products.rule_spec import Level, RuleSpec
from iot_service.rules.syntax import MACROS, Node, NodeKind

LIST_ITEMS = 128
"""The longest list attribute that expressions look at; one that is longer is unknown."""
TEXT_CHARACTERS = 1_000
"""The longest text attribute, or text in a list, that expressions look at; one that is longer is unknown."""
STEPS = 100_000
"""The most steps that evaluating one expression may take."""
PATTERN_CHARACTERS = 200
"""The longest pattern of ``matches``."""
LETS = 50
"""The most named values of one rule."""
LEVELS = 10
"""The most severity levels of one rule."""
INHIBITED = 100
"""The most rules that one rule inhibits."""
TEXT = 2_000
"""The longest title, message or advice, in characters."""
SPANS = 30
"""The most schedules, spans of hours and seasons in ``during``, and in ``outside``: the next edge is one of theirs."""
WINDOWS = 2_000
"""The most windows of one product model: each takes up to 60 buckets of memory for each of its devices."""
TRACKS = 500
"""The most values that one product model remembers, such as totals: each is kept with the state of each device."""
LONGEST = timedelta(days=400)
"""The longest window, ``for`` or other time: a year and what comes late."""

_LETTERS_A_STEP = 100
_LETTERS_OF_A_NUMBER = 30.0
_PATTERN_STEPS = 100  # to compile the shortest pattern, which is done at each evaluation
_CLASS_STEPS = 500  # to compile one class of Unicode, such as \w
_CLASSES = re.compile(r"\\+[wWdDsSpPbB]")
_REPEATED = re.compile(r"\{(\d*),?(\d*)\}")


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What a part costs to evaluate, in steps, and how large its value is at the most.

    A list has ``items``, and each of those ``inner`` of its own (what is no list has 0); ``text`` is the length of a
    text, or of one in a list.
    """

    steps: float
    items: float = 0.0
    inner: float = 0.0
    text: float = 0.0

    @property
    def size(self) -> float:
        """How many values there are to copy or compare."""
        return max(self.items, 1.0) * max(self.inner, 1.0)


def expression_problems(tree: Node, others: Collection[str]) -> list[str]:
    """Return why the expression ``tree`` may not run; ``others`` are the names in it that may be text or lists."""
    problems: list[str] = []
    patterns = [node for node in tree.walk() if node.kind is NodeKind.METHOD and node.text == "matches"]
    for node in patterns:
        if len(node.children) != 2 or node.children[1].kind is not NodeKind.LITERAL:
            problems.append("matches() takes its pattern as a text in quotes, so that its cost is known")
        elif len(node.children[1].text) > PATTERN_CHARACTERS:
            problems.append(f"the pattern of matches() may have {PATTERN_CHARACTERS} characters")
    if problems:
        return problems
    steps = _estimate(tree, {name: _Estimate(1, LIST_ITEMS, text=TEXT_CHARACTERS) for name in others}).steps
    if steps > STEPS:
        problems.append(
            f"may take {steps:,.0f} steps where lists have {LIST_ITEMS} items, and {STEPS:,} are allowed:"
            " nest fewer of all, exists, map and filter, or use a simpler pattern"
        )
    return problems


def time_problems(times: Mapping[str, timedelta]) -> dict[str, str]:
    """Return for each of ``times``, by its name, that is longer than :data:`LONGEST`, what is wrong with it."""
    return {name: f"is at the most {show_duration(LONGEST)}" for name, span in times.items() if span > LONGEST}


def rule_problems(spec: RuleSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is too long or too many in ``spec``, with the field."""
    for field, most in (("let", LETS), ("levels", LEVELS), ("inhibits", INHIBITED)):
        if len(getattr(spec, field)) > most:
            yield (field,), f"has {len(getattr(spec, field))}, and {most} are allowed"
    for field in ("title", "message", "advice"):
        text = getattr(spec, field)
        if text is not None and (len(text.nb) > TEXT or len(text.en) > TEXT):
            yield (field,), f"may have {TEXT:,} characters"
    for field in ("during", "outside"):
        spans = sum(1 + len(each.hours or ()) + len(each.season or ()) for each in getattr(spec, field))
        if spans > SPANS:
            yield (field,), f"has {spans:,} schedules, hours and seasons, and {SPANS} are allowed"
    for name, problem in time_problems(_long_times(spec)).items():
        yield (name,), problem
    for place, level in enumerate(spec.levels):
        for name, problem in time_problems(_long_times(level)).items():
            yield ("levels", str(place), name), problem
    if spec.repeat is not None and time_problems({"repeat": spec.repeat.within}):
        yield ("repeat",), f"is within at the most {show_duration(LONGEST)}"


def _long_times(spec: RuleSpec | Level) -> dict[str, timedelta]:
    """Return those times of ``spec`` that are too long, by the names that they have in files."""
    found = {name: value for name, value in vars(spec).items() if isinstance(value, timedelta) and value > LONGEST}
    return {type(spec).model_fields[name].alias or name: span for name, span in found.items()}


def size_problems(*, windows: int, tracks: int) -> list[str]:
    """Return what is wrong with one product model whose rules look at so many windows, and remember so much."""
    problems: list[str] = []
    if windows > WINDOWS:
        problems.append(f"the rules look at {windows:,} windows, and {WINDOWS:,} are allowed: let some share one")
    if tracks > TRACKS:
        problems.append(f"the rules remember {tracks:,} values of a device, and {TRACKS:,} are allowed")
    return problems


def is_too_large(value: Any) -> bool:
    """Return whether the attribute ``value`` (a text or a list of texts) is larger than expressions may look at."""
    if isinstance(value, str):
        return len(value) > TEXT_CHARACTERS
    if isinstance(value, Sequence):
        return len(value) > LIST_ITEMS or any(is_too_large(item) for item in value)
    return False


def _estimate(node: Node, names: Mapping[str, _Estimate]) -> _Estimate:
    """Return what ``node`` costs, where ``names`` are variables that may be text or lists."""
    if node.kind is NodeKind.NAME:
        return names.get(node.text, _Estimate(1))
    if node.kind is NodeKind.METHOD and node.text in MACROS and len(node.children) > 2:
        return _macro(node, names)
    parts = [_estimate(child, names) for child in node.children]
    steps = 1 + sum(part.steps for part in parts)
    if node.kind is NodeKind.CALL and node.text == "previous" and parts:
        return parts[0]
    return _BY_KIND.get(node.kind, _other)(node, steps, parts)


def _other(node: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    """Estimate a number, or what an operator makes of one."""
    return _Estimate(
        steps + sum(part.text for part in parts) / _LETTERS_A_STEP, text=30.0 if node.text == "string" else 0.0
    )


def _literal(node: Node, steps: float, _: Sequence[_Estimate]) -> _Estimate:
    return _Estimate(steps, text=len(node.text))


def _list(_: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    inner = max((part.items for part in parts), default=0.0)
    return _Estimate(steps, len(parts), inner, max((part.text for part in parts), default=0.0))


def _index(_: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    return _Estimate(steps, parts[0].inner, text=parts[0].text)


def _choice(_: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    return _Estimate(steps, *(max(sizes) for sizes in zip(*((p.items, p.inner, p.text) for p in parts), strict=True)))


def _method(node: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    pattern = _pattern(node.children[1].text) if node.text == "matches" else 0.0
    return _Estimate(steps + pattern + sum(part.text for part in parts) / _LETTERS_A_STEP)


def _binary(node: Node, steps: float, parts: Sequence[_Estimate]) -> _Estimate:
    if node.text == "+":
        items, text = sum(part.items for part in parts), sum(part.text for part in parts)
        steps += text / _LETTERS_A_STEP + items
        return _Estimate(steps, items, max(part.inner for part in parts), text)
    if node.text in ("in", "==", "!="):
        return _Estimate(steps + max(part.size for part in parts) - 1)
    return _Estimate(steps)


def _macro(node: Node, names: Mapping[str, _Estimate]) -> _Estimate:
    target = _estimate(node.children[0], names)
    bound = _Estimate(1, target.inner, text=target.text)
    bodies = [_estimate(child, {**names, node.children[1].text: bound}) for child in node.children[2:]]
    steps = 1 + target.steps + target.items * (1 + sum(body.steps for body in bodies))
    if node.text not in ("map", "filter"):
        return _Estimate(steps)
    made = bodies[-1] if node.text == "map" else bound
    copied = target.items**2 / 2 * made.size  # the library copies the list for each item that it adds
    return _Estimate(steps + copied, target.items, made.items, made.text)


def _pattern(text: str) -> float:
    """Return what matching costs: a pattern is compiled each time, and grows with every counted repetition."""
    classes = len(_CLASSES.findall(text))
    repeated = prod(max((int(part) for part in found if part), default=1) or 1 for found in _REPEATED.findall(text))
    return _PATTERN_STEPS + (len(text) + 10 * text.count(".") + _CLASS_STEPS * classes) * repeated


_BY_KIND: Mapping[NodeKind, Callable[[Node, float, Sequence[_Estimate]], _Estimate]] = {
    NodeKind.LITERAL: _literal,
    NodeKind.LIST: _list,
    NodeKind.MAP: _list,
    NodeKind.INDEX: _index,
    NodeKind.TERNARY: _choice,
    NodeKind.METHOD: _method,
    NodeKind.BINARY: _binary,
}
