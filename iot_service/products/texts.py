"""Texts with values: ``{temperature}`` in a rule's title, message or advice becomes ``12,5 °C`` in a person's language.

A name in braces stands for the value that the rule saw: of a metric, attribute, parameter, fact or let. Behind a colon
may stand how many decimals it gets and its unit, as in ``{limit:.1f °C}``; without, it has one decimal at the most, and
a metric its own unit. What is not known is said to be so. ``{{`` and ``}}`` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal

from iot_service.model.customer import Locale
from iot_service.products.documents import suggestion
from iot_service.products.model import ProductModel, Text
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.units import DIMENSIONLESS

TEXT_FIELDS = ("title", "message", "advice")
"""The keys of a rule whose texts may hold values."""

_BABEL: Mapping[Locale, str] = {Locale.NB: "nb", Locale.EN: "en_GB"}
_UNKNOWN: Mapping[Locale, str] = {Locale.NB: "ukjent", Locale.EN: "unknown"}
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_VALUE = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?::\s*(?:\.([0-9])f?)?\s*(\S[^{}]*)?)?")
_LONGEST = 200  # characters of a text that a device reports
_LARGEST = 1e15  # beyond, not all digits of a number mean something, and nobody reads them
_SPACES = str.maketrans("\u00a0\u202f\u2009", "   ")


@dataclass(frozen=True, slots=True)
class Value:
    """A value within a text: its name, its decimals (None: one at the most) and its unit (None: that of the metric)."""

    name: str
    decimals: int | None = None
    unit: str | None = None


@lru_cache(maxsize=10_000)
def pieces(text: str) -> tuple[str | Value, ...]:
    """Return ``text`` cut into what stands there as it is, and the values in it.

    Raises ValueError, saying what would be right, where a brace is alone or holds no name.
    """
    found: list[str | Value] = []
    end = 0
    for match in _PIECE.finditer(text):
        found.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            found.append(match[0][0])
            continue
        value = _VALUE.fullmatch(match[1]) if match[1] is not None else None
        if value is None:
            raise ValueError(f"'{match[0]}' is no value; write {{temperature}}, {{limit:.1f °C}}, or {{{{ for a brace")
        name, decimals, unit = value.groups()
        found.append(Value(name, int(decimals) if decimals else None, unit.strip() if unit else None))
    found.append(text[end:])
    return tuple(piece for piece in found if piece != "")


def is_plain(spec: RuleSpec) -> bool:
    """Return whether the texts of ``spec`` hold neither values nor lone braces, as those of most rules do."""
    return not any("{" in text or "}" in text for _, text in _texts(spec))


def names_in(spec: RuleSpec) -> frozenset[str]:
    """Return the names of all values in the texts of ``spec``; a text that is not well written has none."""
    return frozenset(name for _, text in _texts(spec) for name in _names(text))


def text_problems(spec: RuleSpec, known: Collection[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield what is wrong with the texts of ``spec``: the field with its language, and what would be right.

    ``known`` are the names of all values that the rule can say.
    """
    for field, text in _texts(spec):
        try:
            pieces(text)
        except ValueError as error:
            yield field, str(error)
        for name in _names(text):
            if name not in known:
                yield field, f"there is no '{name}'{suggestion(name, list(known))}"


def say(text: Text, locale: Locale, evidence: Mapping[str, Any], model: ProductModel | None) -> str:
    """Return ``text`` in the language of ``locale``, with the values of a need's ``evidence`` (name → {"value", …}).

    ``model`` gives the units of metrics; None where the product model is not known any more.
    """
    written = text.nb if locale is Locale.NB else text.en
    if "{" not in written and "}" not in written:
        return written
    metrics = model.metrics if model is not None else {}
    return fill(written, locale, evidence, {name: metric.unit for name, metric in metrics.items()})


def say_message(spec: RuleSpec, locale: Locale, evidence: Mapping[str, Any], model: ProductModel | None) -> str:
    """Return the message of ``spec`` as :func:`say` does; empty where it has none, or where nothing in it is known.

    Nothing is known of a need from before the rule had this message.
    """
    if spec.message is None:
        return ""
    names = [name for text in (spec.message.nb, spec.message.en) for name in _names(text)]
    if names and not any(name in evidence for name in names):
        return ""
    return say(spec.message, locale, evidence, model)


def fill(written: str, locale: Locale, evidence: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """Return ``written``, one language of a text, with its values; ``units`` are those of metrics, by name."""
    try:
        parts = pieces(written)
    except ValueError:  # of a rule that another release took
        return written
    return "".join(part if isinstance(part, str) else _say(part, locale, evidence, units) for part in parts)


def bare(text: Text, locale: Locale = Locale.EN) -> str:
    """Return ``text`` for where no need is at hand: with an ellipsis in the place of each value."""
    written = text.nb if locale is Locale.NB else text.en
    try:
        return "".join(part if isinstance(part, str) else "…" for part in pieces(written))
    except ValueError:
        return written


def say_number(value: float, locale: Locale, *, decimals: int | None = None, unit: str = "") -> str:
    """Return ``value`` as people of ``locale`` write it: ``12,5 °C``; ``decimals`` None: one at the most."""
    pattern = "#,##0.#" if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    if not abs(value) < _LARGEST:
        number = f"{value:.2e}".replace(".", "," if locale is Locale.NB else ".")
    else:
        number = format_decimal(value, format=pattern, locale=_BABEL[locale]).translate(_SPACES)
    if not unit:
        return number
    return f"{number}{unit}" if unit == "%" and locale is Locale.EN else f"{number} {unit}"


def _say(wanted: Value, locale: Locale, evidence: Mapping[str, Any], units: Mapping[str, str]) -> str:
    entry = evidence.get(wanted.name)
    value = entry.get("value") if isinstance(entry, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, float | int):
        items = value if isinstance(value, list | tuple) else [value] if isinstance(value, str) else []
        # Devices write these: they are to break no line, and to fill no message.
        plain = "".join(sign if sign.isprintable() else " " for sign in ", ".join(map(str, items))).strip()
        return plain[:_LONGEST] or _UNKNOWN[locale]
    own = units.get(wanted.name, "")
    unit = wanted.unit if wanted.unit is not None else own if own != DIMENSIONLESS else ""
    return say_number(value, locale, decimals=wanted.decimals, unit=unit)


def _names(text: str) -> list[str]:
    try:
        return [piece.name for piece in pieces(text) if isinstance(piece, Value)]
    except ValueError:
        return []


def _texts(spec: RuleSpec) -> Iterator[tuple[tuple[str, str], str]]:
    for field in TEXT_FIELDS:
        text: Text | None = getattr(spec, field)
        if text is not None:
            yield (field, "nb"), text.nb
            yield (field, "en"), text.en
