"""What the YAML file of a source says: on which topics devices speak their own JSON, and what in it means what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from iot_service.ingest.formats.paths import parse_path
from iot_service.products.model import Frozen

DEVICE = "{device}"
_LEVEL = re.compile(r"[^+#{}\x00]*")
_TRUE = ("true", "True", "on", "On", "ON", "yes", "Yes", "YES")
_FALSE = ("false", "False", "off", "Off", "OFF", "no", "No", "NO")


def word(value: object) -> str:
    """Return a JSON value as it is written as a key of ``map`` or in ``when``: 1.0 as 1, true as true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def show_words(words: Iterable[str]) -> str:
    """Return the keys of a ``map`` as a list in a sentence, without all the spellings of one truth value."""
    known = list(words)
    for group, shown in ((_TRUE, "true or ON"), (_FALSE, "false or OFF")):
        if set(group) <= set(known):
            known = [*(one for one in known if one not in group), shown]
    return ", ".join(known[:12])


def _words(keys: object) -> object:
    """Undo what YAML makes of ``ON`` and ``off`` without quotes: truth values, which stand for all their spellings."""
    if isinstance(keys, dict):
        return {spelling: value for key, value in keys.items() for spelling in _spellings(key)}
    if isinstance(keys, list):
        return [spelling for key in keys for spelling in _spellings(key)]
    return keys


def _spellings(key: object) -> tuple[str, ...]:
    return (_TRUE if key else _FALSE) if isinstance(key, bool) else (word(key),)


def _path(text: object) -> object:
    parse_path(str(text))
    return str(text)


def _zone(name: object) -> object:
    try:
        ZoneInfo(str(name))
    except (ValueError, OSError, LookupError):
        raise ValueError(f"no time zone {name!r}; write one as Europe/Oslo or UTC") from None
    return name


def _time(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _listed(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _topic(text: object) -> object:
    levels = str(text).split("/")
    for place, level in enumerate(levels):
        if level == "#" and place < len(levels) - 1:
            raise ValueError("# may stand at the end of a topic only")
        if level not in {"+", "#", DEVICE} and not _LEVEL.fullmatch(level):
            raise ValueError(f"the level {level!r} mixes; +, # and {DEVICE} each stand for a whole level between two /")
    if levels.count(DEVICE) > 1:
        raise ValueError(f"{DEVICE} may stand once in a topic")
    if levels[0] in {"", "+", "#", "iot"} or levels[0].startswith("$"):
        raise ValueError(f"a topic does not begin with {levels[0]!r}; give the first level (iot/ is the service's own)")
    return text


PathText = Annotated[str, BeforeValidator(_path)]
"""A path into JSON, see :mod:`iot_service.ingest.formats.paths`."""


class TimeSpec(Frozen):
    """Where the time of measurement stands. A time without an offset is in ``zone``; ``format`` may be strptime's."""

    path: PathText
    format: str = "iso"
    zone: Annotated[str, BeforeValidator(_zone)] = "UTC"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.format not in {"iso", "seconds", "milliseconds"} and "%" not in self.format:
            raise ValueError(f"no format {self.format!r}; write iso, seconds, milliseconds, or one with %, as %Y-%m-%d")
        return self


class ValueSpec(Frozen):
    """What one value means: exactly one of metric, attribute and event.

    ``map`` turns what is sent into a number (or, for an attribute, a text); ``unit`` is what numbers are sent in. An
    event happens whenever a message says one of ``when``.
    """

    metric: str | None = None
    attribute: str | None = None
    event: str | None = None
    unit: str | None = None
    map: Annotated[Mapping[str, float | str], BeforeValidator(_words)] = Field(default_factory=dict)
    when: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(name is not None for name in (self.metric, self.attribute, self.event)) != 1:
            raise ValueError("write exactly one of metric, attribute and event")
        if self.unit is not None and self.metric is None:
            raise ValueError("only a metric has a unit")
        if bool(self.when) != (self.event is not None):
            raise ValueError("an event, and nothing else, has when: the list of values that mean that it happens")
        if self.event is not None and self.map:
            raise ValueError("an event has no map")
        if self.metric is not None and any(isinstance(value, str) for value in self.map.values()):
            raise ValueError("the map of a metric leads to numbers")
        return self


class OnlineSpec(Frozen):
    """Where a message says that the device is connected: ``map`` leads to true and false."""

    path: PathText = ""
    map: Annotated[Mapping[str, bool], BeforeValidator(_words)] = Field(min_length=1)


class MessageSpec(Frozen):
    """One kind of message. The device is named by the topic's level ``{device}``, or in the payload at ``device``.

    A message with none of ``values`` is a dead letter, unless ``optional``.
    """

    topic: Annotated[str, BeforeValidator(_topic)]
    device: PathText | None = None
    time: Annotated[TimeSpec | None, BeforeValidator(_time)] = None
    values: Mapping[PathText, Annotated[tuple[ValueSpec, ...], BeforeValidator(_listed)]] = Field(default_factory=dict)
    online: OnlineSpec | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (DEVICE in self.topic.split("/")) == (self.device is not None):
            raise ValueError(f"name the device once: by {DEVICE} in the topic, or by device, a path into the payload")
        if not self.values and self.online is None:
            raise ValueError("write values, online, or both")
        return self

    @property
    def topic_filter(self) -> str:
        """The MQTT topic filter that catches these messages."""
        return self.topic.replace(DEVICE, "+")


class SourceSpec(Frozen):
    """The file of one source. ``name`` is what ``IOT_FORMATS`` calls it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    messages: tuple[MessageSpec, ...]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.messages:
            raise ValueError("messages is empty; write at least one topic")
        return self

    def device_topics(self) -> list[str]:
        """Return the topics that a device with credentials of its own publishes to; ``%u`` is its user name, its id."""
        topics = [message.topic for message in self.messages if message.device is None]
        return [topic.replace(DEVICE, "%u") for topic in topics]
