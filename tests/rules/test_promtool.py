"""Where Prometheus has the same notion, the same series give the same instants: its own promtool is asked.

Both look once a minute, at each sample. What differs is named in docs/rules/trust.md, and shown at the end here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from iot_service.products.model import Metric, ProductModel
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.series import parse_series
from tests.rules.telemetry import SHIPPED, START, new_fold, rule, series
from tests.servers.promtool import Promtool

MINUTE = timedelta(minutes=1)
_LOOKS_BACK = 5 * MINUTE
"""For so long a sample stands for those that do not come in Prometheus, the last instant included."""


@dataclass(frozen=True)
class Pair:
    """One rule as Prometheus has it and as we have it."""

    name: str
    prometheus: Mapping[str, str]
    ours: Mapping[str, Any]

    def alert(self) -> dict[str, str]:
        return {"alert": self.name, **self.prometheus}


def held(hold: int, keep: int) -> Pair:
    """Above ten for ``hold`` minutes, and on until it has not been for ``keep`` minutes."""
    return Pair(
        f"for_{hold}_keep_{keep}",
        {"expr": "temperature > 10", "for": f"{hold}m", "keep_firing_for": f"{keep}m"},
        {"when": "temperature > 10", "for": f"{hold}m", "keep_for": f"{keep}m"},
    )


def absent(minutes: int, keep: int) -> Pair:
    """Nothing came for so many minutes. Prometheus counts the first instant of a range in, so it gets a second less."""
    return Pair(
        f"absent_for_{minutes}_keep_{keep}",
        {"expr": f"absent_over_time(temperature[{minutes * 60 - 1}s])", "keep_firing_for": f"{keep}m"},
        {"absent_for": f"{minutes}m", "keep_for": f"{keep}m"},
    )


def window(ours: str, theirs: str, limit: float) -> Pair:
    """A function over the last hour; the first instant of it is left out there by a second, as it is here."""
    let = ours if "(" in ours else f"{ours}(temperature, 60m)"
    return Pair(
        f"{ours.partition('(')[0]}_above_{str(limit).replace('.', '_')}",
        {"expr": f"{theirs}temperature[3599s]) > {limit}", "for": "0m", "keep_firing_for": "0m"},
        {"let": {"w": let}, "when": f"w > {limit}"},
    )


def product(pairs: Sequence[Pair]) -> CompiledProduct:
    """A product whose readings become outdated with the first tick at which Prometheus no longer finds them."""
    freezer = SHIPPED.products["freezer"]
    metrics = {"temperature": Metric(unit="°C", max_age=_LOOKS_BACK + MINUTE)}
    model = ProductModel(id="freezer", name=freezer.name, metrics=metrics)
    compiled, problems = compile_product(model, [rule(pair.name, **pair.ours) for pair in pairs])
    assert problems == []
    return compiled


def open_by_minute(pairs: Sequence[Pair], text: str) -> list[set[str]]:
    """Which of our needs are open at each minute of the series ``text``."""
    minutes = len(parse_series(text))
    fold = new_fold(product(pairs))
    fold.advance(series(MINUTE, START, temperature=text), quiet_until=START + minutes * MINUTE)
    result: list[set[str]] = [set() for _ in range(minutes)]
    for outcome in fold.outcomes:
        minute, rest = divmod(outcome.at - START, MINUTE)
        assert not rest, "all that happens here happens at a tick"
        for later in result[minute:]:
            (later.add if outcome.kind == "opened" else later.discard)(outcome.rule or "")
    return result


def expecting(pairs: Sequence[Pair], text: str, is_open: Sequence[set[str]]) -> dict[str, Any]:
    """What promtool is to find for ``text``: at each minute just these alerts firing."""
    return {
        "name": text,
        "interval": "1m",
        "input_series": [{"series": "temperature", "values": text}],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": pair.name,
                "exp_alerts": [{"exp_labels": {}}] if pair.name in now else [],
            }
            for minute, now in enumerate(is_open)
            for pair in pairs
        ],
    }


def compared(promtool: Promtool, pairs: Sequence[Pair], texts: Sequence[str]) -> tuple[str, int]:
    """What promtool finds different, and how many needs there were."""
    judged = [open_by_minute(pairs, text) for text in texts]
    found = promtool.test(
        [pair.alert() for pair in pairs],
        [expecting(pairs, text, is_open) for text, is_open in zip(texts, judged, strict=True)],
    )
    opened = sum(
        len(now - before) for is_open in judged for before, now in zip([set(), *is_open], is_open, strict=False)
    )
    return found, opened


def made_up(number: int, gaps: Sequence[int]) -> str:
    """A series of one to two hours in runs above and below ten, with gaps of so many minutes between them."""
    chance = Random(number)
    items = [str(chance.choice([5, 10, 15]))]
    for _ in range(chance.randint(8, 16)):
        items.append(f"{chance.choice([5, 10, 11, 15])}x{chance.choice([0, 0, 1, 2, 3, 4, 5, 9, 10, 11])}")
        if chance.random() < 0.4:
            items.append(f"_x{chance.choice(gaps)}")
    return " ".join([*items, "5"])


HELD = [held(hold, keep) for hold in (0, 1, 5, 10) for keep in (0, 1, 4)]
WINDOWS = [
    *(window("avg", "avg_over_time(", limit) for limit in (9.87, 10.41)),
    window("min", "min_over_time(", 5.5),
    window("max", "max_over_time(", 14.5),
    *(window("sum", "sum_over_time(", limit) for limit in (333.3, 601.7)),
    window("count", "count_over_time(", 33.5),
    *(window("stddev", "stddev_over_time(", limit) for limit in (3.111, 3.911)),
    window("median", "quantile_over_time(0.5, ", 10.3),
    window("percentile(temperature, 60m, 80)", "quantile_over_time(0.8, ", 11.3),
    window("changes", "changes(", 7.5),
    window("slope", "deriv(", 0.00071),
    window("last", "last_over_time(", 10.5),
]
ABSENT = [absent(minutes, keep) for minutes in (1, 3, 5, 15) for keep in (0, 2)]


def test_for_and_keep_firing_for_open_and_close_at_the_same_instants(promtool: Promtool) -> None:
    texts = [made_up(number, gaps=[1, 2, 3, 4, 5]) for number in range(40)]
    found, opened = compared(promtool, HELD, texts)
    assert found == ""
    assert opened > 1000, "there was something to compare"


def test_absence_is_noticed_and_over_at_the_same_instants(promtool: Promtool) -> None:
    texts = [made_up(number, gaps=[1, 2, 3, 4, 5, 14, 15, 16, 30]) for number in range(40)]
    found, opened = compared(promtool, ABSENT, texts)
    assert found == ""
    assert opened > 300, "there was something to compare"


def test_functions_over_a_window_cross_a_limit_at_the_same_instants(promtool: Promtool) -> None:
    texts = [" ".join(item for item in made_up(number, gaps=[1]).split() if item[0] != "_") for number in range(24)]
    found, opened = compared(promtool, WINDOWS, texts)
    assert found == ""
    assert opened > 300, "there was something to compare"


def test_the_comparison_notices_a_difference_of_one_minute(promtool: Promtool) -> None:
    text = "5x3 15x10 5x10"
    pairs = [held(5, 1)]
    shifted = [set(), *open_by_minute(pairs, text)][:-1]
    found = promtool.test([pairs[0].alert()], [expecting(pairs, text, shifted)])
    assert "for_5_keep_1" in found


def test_what_is_not_known_closes_an_alert_there_and_no_need_here(promtool: Promtool) -> None:
    """The one difference: Prometheus takes what it does not know for false, we leave things as they are."""
    text = "15x3 _x9 5"
    pair = held(0, 0)
    ours = [minute for minute, now in enumerate(open_by_minute([pair], text)) if now]
    assert ours == list(range(13)), "open until a reading says that it is over"
    theirs = [{pair.name} if minute <= 3 + 5 else set() for minute in range(14)]
    assert promtool.test([pair.alert()], [expecting([pair], text, theirs)]) == ""
