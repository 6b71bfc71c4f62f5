"""`rules rejudge`: what would be otherwise if everything that is stored now had been there in time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from iot_service.config import Settings
from iot_service.errors import InvalidInputError
from iot_service.rules.backtesting.comparing import Comparison
from iot_service.rules.backtesting.differences import comparison_values, differences
from iot_service.rules.backtesting.findings import FoundNeed
from iot_service.rules.backtesting.recorded import Recorded, judged_again, read_recorded
from iot_service.rules.backtesting.run import Backtest
from iot_service.rules.backtesting.showing import heading, show_resolved, show_time, table
from iot_service.wiring.backtest_asked import Asked, find_pasts, open_source
from iot_service.wiring.backtest_rules import choose_rules, rules_of_device, rules_with
from iot_service.wiring.backtest_sources import judge


def rejudge_command(settings: Settings, rules: Sequence[str], asked: Asked, *, as_json: bool) -> str:
    """Return how the recorded needs of a device differ from what its stored telemetry gives now; nothing is changed.

    ``rules`` are those that are judged again, all where there are none, as they are in use now. Raises
    InvalidInputError and NotFoundError with what would be right.
    """
    if len(asked.devices) != 1:
        raise InvalidInputError("say whose past: one device", field="--device")
    with open_source(settings, asked) as database:
        assert database is not None, "a device's past is in the database"
        catalog = rules_with(settings, [], database)
        ((product, past),) = find_pasts(settings, catalog, rules, asked, database)
        catalog = rules_of_device(catalog, product, past.changed_rules, set(rules))
        chosen = choose_rules(catalog, product, rules)
        result = judge(past, catalog, product, chosen)
        with database.transaction() as connection:
            recorded = read_recorded(connection, past.name, chosen, since=past.since, until=past.until)
    comparison = judged_again(recorded, result.needs)
    if as_json:
        values = comparison_values(result, comparison)
        values["only_recorded"], values["only_again"] = values.pop("only_old"), values.pop("only_new")
        return json.dumps({**values, "late_readings": recorded.late_readings})
    return "\n".join(_lines(result, recorded, comparison))


def _lines(result: Backtest, recorded: Recorded, comparison: Comparison) -> Iterator[str]:
    yield heading(result)
    yield f"{recorded.late_readings:,} readings ever came too late to be judged"
    rows = list(_rows(result, comparison))
    if rows:
        yield ""
        yield from table(rows, ("", "rule", "opened", "resolved", "what"))
        yield ""
    yield (
        f"only recorded: {len(comparison.gone)}, only when judged again: {len(comparison.added)}, "
        f"changed: {len(comparison.changed)}, the same: {len(comparison.same)}"
    )


def _rows(result: Backtest, comparison: Comparison) -> Iterator[tuple[str, ...]]:
    zone, until = result.subject.zone, result.until
    for kind, needs in (("only recorded", comparison.gone), ("only again", comparison.added)):
        for need in needs:
            yield (kind, *_cells(need, zone), need.why)
    for pair in comparison.changed:
        yield ("changed", *_cells(pair.new, zone), "; ".join(differences(pair, until)))


def _cells(need: FoundNeed, zone: tzinfo) -> tuple[str, ...]:
    return need.rule, show_time(need.opened, zone), show_resolved(need, zone)
