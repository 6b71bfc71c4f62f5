"""JSON as devices send it, read strictly: nothing is lost in reading, and whatever comes in, no surprise comes out."""

from __future__ import annotations

import json
from typing import Any

import orjson

from iot_service.ingest.reasons import Reason

_SIMPLE = 16_384  # bytes; what is larger is looked at by and by
_SHOWN = 60  # characters of a value that a detail quotes


class UnreadableError(ValueError):
    """The payload is not JSON that we take; ``reason`` and the message (for people) say why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        last = {name: place for place, (name, _) in enumerate(pairs)}
        double = next(name for place, (name, _) in enumerate(pairs) if last[name] != place)
        raise UnreadableError(
            Reason.WRONG_SHAPE, f"the name {show(double)} stands twice in one object; a name may stand once"
        )
    return result


_decoder = json.JSONDecoder(object_pairs_hook=_without_doubles)


def parse_json(payload: bytes) -> object:
    """Return the JSON value of ``payload``: UTF-8, each name of an object once. NaN and Infinity are let through.

    Raises UnreadableError.
    """
    try:
        return _decoder.decode(payload.decode())
    except UnreadableError:
        raise
    except UnicodeDecodeError as error:
        raise UnreadableError(Reason.NOT_JSON, f"byte {error.start} is not UTF-8; a payload is JSON in UTF-8") from None
    except RecursionError:
        raise UnreadableError(Reason.NOT_JSON, "nested too deep; a payload is an object or a list of objects") from None
    except ValueError as error:
        raise UnreadableError(Reason.NOT_JSON, f"not JSON: {str(error)[:200]}") from None


def parse_simple(payload: bytes) -> dict[str, Any] | None:
    """Return the object of a payload that is ``{"ts": number, "values": {name: value, …}}`` and nothing else.

    This is what nearly all messages are, at a third of the cost; None is for :func:`parse_json` to look at. A fast
    parser keeps the last of two values with one name in silence, so names and colons are counted: each name has one
    colon, and where there are as many colons as different names, no name stands twice.
    """
    if len(payload) > _SIMPLE:
        return None
    try:
        document: Any = orjson.loads(payload)
    except ValueError:
        return None
    if type(document) is not dict or len(document) != 2 or type(document.get("ts")) is not int:
        return None
    values = document.get("values")
    if type(values) is not dict or not values or payload.count(b":") != len(values) + 2:
        return None
    return document


def show(value: object) -> str:
    """Return ``value`` as a short quotation in a sentence."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def keeps_text(text: str) -> bool:
    """Return whether the database can hold ``text``: no NUL character, no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))
