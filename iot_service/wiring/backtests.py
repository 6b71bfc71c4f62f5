"""`rules backtest` and `rules diff`: what rules would have found, and what another version of them would."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from iot_service.config import Settings
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.rules.backtesting.comparing import Comparison, compare
from iot_service.rules.backtesting.differences import comparison_text, comparison_values
from iot_service.rules.backtesting.picture import picture
from iot_service.rules.backtesting.run import Backtest
from iot_service.rules.backtesting.showing import backtest_text, backtest_values
from iot_service.wiring.backtest_asked import Asked, find_pasts, open_source
from iot_service.wiring.backtest_rules import changed_rules, choose_rules, rules_of_device, rules_to_judge, rules_with
from iot_service.wiring.backtest_sources import Past, RecordedPast, judge

CURRENT = "current"
"""Stands for the rules that are in use, in the place of a file."""
_TELL_EVERY = 10.0  # seconds, where nobody sees a bar


def backtest_command(
    settings: Settings, rules: Sequence[str], files: Sequence[Path], asked: Asked, *, html: Path | None, as_json: bool
) -> str:
    """Return the needs that ``rules`` (all, where there are none) would have opened, as a table or one JSON object.

    ``files`` are read on top of the rules in use. A page with a picture is written to ``html``. Raises
    InvalidInputError and NotFoundError with what would be right.
    """
    if len(asked.devices) > 1:
        raise InvalidInputError("one device at a time is backtested; `rules diff` takes several", field="--device")
    with open_source(settings, asked) as database:
        catalog = rules_with(settings, files, database)
        ((product, past),) = find_pasts(settings, catalog, rules, asked, database)
        catalog = rules_of_device(catalog, product, past.changed_rules, set(rules))
        chosen = choose_rules(catalog, product, rules)
        with _progress(past, past.name) as tell:
            result = judge(past, catalog, product, chosen, picture=html is not None, tell=tell)
    lines = []
    if html is not None:
        _write(html, picture(result))
        lines.append(f"the picture is in {html}")
    lines += [f"left out: {what} ({count:,} times)" for what, count in _left_out(past).items()]
    if as_json:
        return json.dumps({**backtest_values(result), "left_out": dict(_left_out(past))})
    return "\n".join([backtest_text(result), *lines])


def diff_command(settings: Settings, old: str, new: str, asked: Asked, *, as_json: bool) -> str:
    """Return what changes on the devices when the rule files of ``new`` take the place of those of ``old``.

    Both are files or folders, on top of the rules in use, or ``current``: the rules in use themselves. Rules that are
    the same in both are judged only where a changed one can hold them back. Raises InvalidInputError and NotFoundError.
    """
    found: list[tuple[Backtest, Backtest, Comparison]] = []
    same: dict[str, int] = {}
    with open_source(settings, asked) as database:
        before, after = (rules_with(settings, [] if name == CURRENT else [Path(name)], database) for name in (old, new))
        changed = changed_rules(before, after)
        for product, past in find_pasts(settings, after, changed, asked, database) if changed else ():
            one, other, unchanged = _both(past, product, before, after)
            same[product] = unchanged
            found.append((one, other, compare(one.needs, other.needs)))
    if as_json:
        devices = [comparison_values(other, comparison) for _, other, comparison in found]
        return json.dumps({"old": old, "new": new, "devices": devices})
    if not changed:
        return "no rule differs"
    parts = [comparison_text(one, other, comparison) for one, other, comparison in found]
    parts += [
        f"{product}: {count} rules are the same in both, and were not judged"
        for product, count in same.items()
        if count
    ]
    return "\n\n".join(parts)


def _both(past: Past, product: str, before: Catalog, after: Catalog) -> tuple[Backtest, Backtest, int]:
    """Return the backtests of both versions, and how many rules are the same in both."""
    old, new = (rules_of_device(each, product, past.changed_rules, frozenset()) for each in (before, after))
    chosen = rules_to_judge(old, new, product)
    with _progress(past, f"{past.name}, old rules") as tell:
        one = judge(past, old, product, chosen, tell=tell)
    with _progress(past, f"{past.name}, new rules") as tell:
        other = judge(past, new, product, rules_to_judge(new, old, product), tell=tell)
    return one, other, len(old.rules[product].keys() - chosen)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"cannot be written: {error.strerror}", field=str(path)) from None


def _left_out(past: Past) -> Mapping[str, int]:
    return past.recording.left_out if isinstance(past, RecordedPast) else {}


@contextmanager
def _progress(past: Past, name: str) -> Iterator[Callable[[datetime], None]]:
    """Show how far it is: a bar where people look on, else a line now and then where it takes long."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    told = began
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=1.0)

        def tell(at: datetime) -> None:
            nonlocal told
            share = max((at - past.since) / (past.until - past.since), 0.0)
            progress.update(task, completed=share)
            if not console.is_terminal and time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                sys.stderr.write(f"{name}: {share:.0%} after {told - began:.0f} s\n")

        yield tell
