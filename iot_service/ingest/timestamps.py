"""The time that a device names: ``ts``, in milliseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from iot_service.ingest.jsontext import show
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.micros import from_micros
from iot_service.ingest.reasons import Reason

_MILLIS = "ts is in milliseconds since 1970-01-01 UTC"
_BEFORE_2001 = 10**15  # microseconds; who counts seconds where milliseconds are meant ends up before


class Timestamp(NamedTuple):
    """An instant in microseconds since 1970 UTC; ``assumed`` when the device named none, so receipt stands in."""

    micros: int
    assumed: bool


class TimestampError(ValueError):
    """The named time cannot be taken; ``reason`` and the message (for people) say why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_timestamp(entry: Mapping[str, object], *, received: int, retained: bool, limits: TimeLimits) -> Timestamp:
    """Return the time of one entry of a message that was received at ``received`` (microseconds since 1970 UTC).

    Raises TimestampError.
    """
    if "ts" not in entry:
        if retained:
            raise TimestampError(
                Reason.RETAINED_WITHOUT_TIME,
                "ts is missing in a retained message, which would look fresh at every reconnect; "
                "send ts, or publish without the retain flag",
            )
        return Timestamp(received, True)
    millis = entry["ts"]
    if type(millis) is not int and type(millis) is not float:
        raise TimestampError(Reason.WRONG_TYPE, f"ts is {show(millis)}; {_MILLIS}, a number")
    try:
        micros = millis * 1000 if type(millis) is int else round(millis * 1000)
    except (OverflowError, ValueError):
        raise TimestampError(Reason.NOT_FINITE, f"ts is {millis}; {_MILLIS}, a finite number") from None
    if micros > received + limits.ahead:
        raise TimestampError(
            Reason.IN_FUTURE,
            f"ts {show(millis)} is more than {limits.ahead / 1e6:g} s ahead of {_at(received)}; "
            "set the device's clock (IOT_CLOCK_AHEAD is the allowance)",
        )
    if micros < received - limits.retention:
        hint = f"; {_MILLIS}: is it in seconds?" if 0 < micros < _BEFORE_2001 else ""
        raise TimestampError(
            Reason.TOO_OLD,
            f"ts {show(millis)} is older than the {limits.retention / 86_400e6:g} days that readings are kept "
            f"({limits.retention_of}){hint}",
        )
    return Timestamp(micros, False)


def _at(micros: int) -> str:
    return from_micros(micros).isoformat(timespec="seconds")
