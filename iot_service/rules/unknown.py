"""Finding out why a condition is unknown: it is kept with the device, counted, and shown with its name."""

from __future__ import annotations

from iot_service.rules.lets.base import Condition, Moment
from iot_service.rules.rewriting import PREVIOUS_PREFIX
from iot_service.rules.state import DeviceState
from iot_service.rules.why import Unknown, Why


class Doubts:
    """The doubts about one device, as its state keeps them. ``new`` are those that came since it was last emptied.

    Of these each is a rule that could be judged no more, and why.
    """

    __slots__ = ("_state", "new")

    def __init__(self, state: DeviceState) -> None:
        """Take up those of ``state``; what it knows of rules that it has no more is forgotten."""
        state.unknown = {name: each for name, each in state.unknown.items() if name in state.rules}
        self._state = state
        self.new: list[tuple[str, Why]] = []

    def note(self, rule_id: str, condition: Condition, holds: bool | None, moment: Moment) -> None:
        """Note why ``condition`` of a rule (or of its level) is unknown at ``moment``, or that it is not."""
        unknown = self._state.unknown
        if holds is not None:
            if unknown:
                unknown.pop(rule_id, None)
            return
        before, found = unknown.get(rule_id), why_unknown(condition, moment)
        unknown[rule_id] = found
        if before is None or before.why is not found.why:
            self.new.append((rule_id.partition("/")[0], found.why))


def why_unknown(condition: Condition, moment: Moment) -> Unknown:
    """Return why ``condition`` is unknown at ``moment``, as which it has been judged just now."""
    if moment.errors:
        return Unknown(Why.FAILED, moment.errors[0])
    asked = condition.expression.asks
    missing = sorted(name for name in condition.inputs if name not in moment.values and name not in asked)
    if missing:
        return Unknown(Why.MISSING, ", ".join(map(_shown, missing)))
    scope = condition.scope(moment)
    lets = [name for name, _ in condition.lets if name not in scope and name in condition.expression.inputs]
    return Unknown(Why.UNDEFINED, ", ".join(lets) or " ".join(condition.expression.source.split()))


def _shown(name: str) -> str:
    base = name.removeprefix(PREVIOUS_PREFIX)
    return name if base == name else f"previous({base})"
