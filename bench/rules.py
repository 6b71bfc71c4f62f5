"""How fast rules are judged, loaded and woken, and what memory they take; see docs/benchmarks.md.

``python -m bench.rules`` folds telemetry of simulated freezers and cars with the shipped rules and with 20 rules that
have windows, beside the plain cost of evaluating the same CEL programs; measures the memory of devices that are
remembered; loads 10,000 rules; and lets one runner judge the 1 % of 100,000 devices that are due. ``--json`` ends with
one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench import rules_fold, rules_load, rules_memory, rules_tick
from bench.rules_telemetry import rule_sets
from bench.servers import fresh_database, servers
from iot_service import logs

PARTS = ("engine", "memory", "load", "tick")
_console = Console(stderr=True, highlight=False)


def engine(devices: int, hours: float, rounds: int) -> dict[str, float]:
    """Measure judging beside plain CEL, print a row a set, and return the figures of all sets together."""
    sets = rule_sets(devices=devices, hours=hours)
    found = [rules_fold.measure(chosen, rounds=rounds) for chosen in sets]
    table = Table(
        "pairs/s of one core", "pairs", "CEL only", "CEL, contexts kept", "engine, by message", "ratio",
        "engine, at once", "ratio", "evaluated",
    )  # fmt: skip
    for speed in found:
        table.add_row(speed.name, *_shown(speed))
    total = rules_fold.together(found)
    table.add_row(total.name, *_shown(total), style="bold")
    _console.print(table)
    return {
        "cel_only_per_s": round(total.cel_only),
        "engine_per_s": round(total.engine),
        "engine_at_once_per_s": round(total.engine_at_once),
        "cel_contexts_per_s": round(total.cel_context),
        "evaluated_share": round(total.made, 3),
        "lowest_ratio": round(min(speed.engine / speed.cel_only for speed in found), 3),
    }


def _shown(speed: rules_fold.Speed) -> Sequence[str]:
    return (
        f"{speed.pairs:,}",
        f"{speed.cel_only:,.0f}",
        f"{speed.cel_context:,.0f}",
        f"{speed.engine:,.0f}",
        f"{speed.engine / speed.cel_only:.2f}",
        f"{speed.engine_at_once:,.0f}",
        f"{speed.engine_at_once / speed.cel_only:.2f}",
        f"{speed.made:.0%}",
    )


def memory(devices: int) -> dict[str, float]:
    """Measure what one device and rule takes in memory, print a row a set, and return the mean over the sets."""
    table = Table("bytes", "a device", "a device and rule")
    found = [rules_memory.measure(chosen, devices) for chosen in rule_sets(devices=1, hours=6.0)]
    for each in found:
        table.add_row(each.name, f"{each.device:,.0f}", f"{each.device_rule:,.0f}")
    _console.print(table)
    return {"bytes_per_device_rule": round(statistics.mean(each.device_rule for each in found))}


def load(rules: int) -> dict[str, float]:
    """Measure loading ``rules`` rules."""
    found = rules_load.measure(rules)
    table = Table(f"{found.rules:,} rules", "seconds")
    table.add_row("parsed, validated, compiled", f"{found.cold:.2f}")
    table.add_row(f"the same from caches of {found.cache_bytes / 1e6:.1f} MB", f"{found.cached:.2f}")
    _console.print(table)
    return {"load_10k_s": round(found.cold, 2), "load_10k_cached_s": round(found.cached, 2)}


def tick(devices: int, share: float) -> dict[str, float]:
    """Measure one tick over ``devices``, of which ``share`` are due, in a database of its own."""
    server_url = os.environ.get("IOT_DATABASE_URL") or servers()["IOT_DATABASE_URL"]
    due = round(devices * share)
    with fresh_database(server_url, "bench_rules") as url:
        found = rules_tick.measure(url, devices, due)
    table = Table(f"{due:,} of {devices:,} devices due", "seconds", "of CPU here", "needs opened")
    table.add_row("one tick", f"{found.seconds:.2f}", f"{found.cpu_seconds:.2f}", f"{found.opened:,}")
    _console.print(table)
    return {"tick_100k_s": round(found.seconds, 2), "tick_100k_cpu_s": round(found.cpu_seconds, 2)}


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which parts (default: all)")
    parser.add_argument("--devices", type=int, default=5, help="devices of each set of rules (default: %(default)s)")
    parser.add_argument("--hours", type=float, default=24.0, help="how long each is heard (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (default: %(default)s)")
    parser.add_argument("--remembered", type=int, default=10, help="devices in memory (default: %(default)s)")
    parser.add_argument("--rules", type=int, default=10_000, help="rules to load (default: %(default)s)")
    parser.add_argument("--fleet", type=int, default=100_000, help="devices of the tick (default: %(default)s)")
    parser.add_argument("--due", type=float, default=0.01, help="share of them that is due (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    logs.configure(level="WARNING", json=False)
    result: dict[str, float] = {}
    if "engine" in arguments.only:
        result |= engine(arguments.devices, arguments.hours, arguments.rounds)
    if "memory" in arguments.only:
        result |= memory(arguments.remembered)
    if "load" in arguments.only:
        result |= load(arguments.rules)
    if "tick" in arguments.only:
        result |= tick(arguments.fleet, arguments.due)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
