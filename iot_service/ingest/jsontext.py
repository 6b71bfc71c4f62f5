"""JSON as devices send it, read strictly: nothing is lost in reading, and whatever comes in, no surprise comes out."""

from __future__ import annotations

import json

from iot_service.ingest.reasons import Reason

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


def show(value: object) -> str:
    """Return ``value`` as a short quotation in a sentence."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def keeps_text(text: str) -> bool:
    """Return whether the database can hold ``text``: no NUL character, no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))
