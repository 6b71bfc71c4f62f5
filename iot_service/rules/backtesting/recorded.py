"""The needs that were recorded, held against those that the same telemetry gives when it is judged again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from iot_service.db import Connection
from iot_service.model.need import NeedState, Severity
from iot_service.rules.backtesting.comparing import Comparison, Pair, compare
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.store import QUERIES


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a device: its needs in order of opening, and how many readings ever came too late.

    ``by_people`` names those needs that a person closed, by rule and opening: judging again says nothing about when.
    """

    needs: tuple[FoundNeed, ...]
    by_people: frozenset[tuple[str, datetime]]
    late_readings: int


def read_recorded(
    connection: Connection, device_id: str, rules: Collection[str], *, since: datetime, until: datetime
) -> Recorded:
    """Return what is recorded of ``rules`` on a device between ``since`` and ``until`` (UTC)."""
    rows = QUERIES["recorded_needs"].all(connection, device_id=device_id, rules=sorted(rules), since=since, until=until)
    needs = [
        FoundNeed(
            row["rule"], Severity(row["severity"]), row["opened_at"], row["reason"], row["evidence"], row["closed_at"]
        )
        for row in rows
    ]
    by_people = {(row["rule"], row["opened_at"]) for row in rows if row["state"] == NeedState.WITHDRAWN}
    late = QUERIES["late_readings_so_far"].one(connection, device_id=device_id)["late_readings"]
    return Recorded(tuple(needs), frozenset(by_people), int(late))


def judged_again(recorded: Recorded, found: Iterable[FoundNeed]) -> Comparison:
    """Return what would be otherwise: needs that only one of both has, and those that open or resolve elsewhere.

    Severities are not compared, since a need only keeps its last one.
    """
    comparison = compare(recorded.needs, found)
    same = [pair for pair in comparison.changed if not _differs(pair, recorded)]
    return replace(
        comparison,
        changed=tuple(pair for pair in comparison.changed if _differs(pair, recorded)),
        same=(*comparison.same, *same),
    )


def _differs(pair: Pair, recorded: Recorded) -> bool:
    if (pair.old.rule, pair.old.opened) in recorded.by_people:
        return pair.old.opened != pair.new.opened
    return pair.moved
