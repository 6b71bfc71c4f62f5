"""Laws of the project: who may import whom, and what only one file may do. The reasons stand with each law."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = {
    "ingest", "rules", "engage", "booking", "dispatch", "commerce", "customers", "notify", "commands", "history",
    "registry",
}  # fmt: skip
DATA = {"anomaly", "products", "forecast", "db", "model", "engines"}
BASE = {"config", "clock", "errors", "logs", "links", "processes", "durations", "metrics"}
FACES = {"api", "pages", "console", "live"}
EXTRA = {
    "engage": {"booking", "dispatch", "commerce", "customers"},
    "rules": {"customers"},
    "commerce": {"customers"},
    "notify": {"customers"},
}
MAY = (
    dict.fromkeys(BASE, BASE)
    | dict.fromkeys(DATA, DATA | BASE)
    | {stage: DATA | BASE | EXTRA.get(stage, set()) for stage in STAGES}
    | dict.fromkeys(FACES, FACES | STAGES | DATA | BASE)
    | {
        "worker": STAGES | DATA | BASE,
        "wiring": {"worker", "wiring"} | FACES | STAGES | DATA | BASE,
        "cli": {"wiring", "worker"} | FACES | STAGES | DATA | BASE,
        "__main__": {"cli"} | BASE,
        "__init__": set(),
    }
)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(*roots: str) -> Iterator[tuple[Path, ast.Module]]:
    for root in roots or ("iot_service", "simulators"):
        for path in sorted((ROOT / root).rglob("*.py")):
            yield path.relative_to(ROOT), parsed(path)


@cache
def imported(path: Path, tree: ast.Module) -> set[str]:
    """Full dotted names of what a file imports, relative imports resolved."""
    package = path.with_suffix("").parts
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            prefix = ".".join(part for part in (base, node.module or "") if part)
            names |= {f"{prefix}.{alias.name}" for alias in node.names}
    return names


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "iot_service" and len(parts) > 1 else None


def test_imports_go_one_way_from_the_commands_down_to_the_clock() -> None:
    """A stage that calls another one cannot be understood, tested or scaled alone; tables are the interface."""
    wrong = []
    for path, tree in sources("iot_service"):
        here = room(".".join(path.with_suffix("").parts))
        assert here is not None
        for name in imported(path, tree):
            there = room(name)
            if there and there != here and there not in MAY[here]:
                wrong.append(f"{path} imports {name}")
    assert wrong == []


def test_only_the_commands_and_wiring_start_simulators() -> None:
    """Simulators are customers of the service, not parts of it."""
    wrong = [
        f"{path} imports {name}"
        for path, tree in sources("iot_service")
        for name in imported(path, tree)
        if name.split(".")[0] == "simulators" and path.parts[1] not in {"cli", "wiring"}
    ]
    assert wrong == []


RESERVED = {
    "paho": lambda p: p.startswith(("iot_service/ingest/mqtt/", "simulators/")),
    "psycopg": lambda p: p.startswith("iot_service/db/") or p.endswith("/store.py"),
    "psycopg_pool": lambda p: p.startswith("iot_service/db/"),
    "fastapi": lambda p: p.startswith(("iot_service/api/", "iot_service/pages/", "iot_service/console/")),
    "httpx": lambda p: p.startswith("iot_service/notify/transports/"),
    "smtplib": lambda p: p.startswith("iot_service/notify/transports/"),
    # Whoever does the work calls a function with plain figures; how they are kept and merged stands in one place.
    "prometheus_client": lambda p: p.startswith("iot_service/metrics/"),
    "google": lambda p: p == "iot_service/ingest/sparkplug/wire.py",
    "pint": lambda p: p == "iot_service/products/units.py",
    "cel": lambda p: p.startswith("iot_service/rules/"),
    "uvicorn": lambda p: p == "iot_service/wiring/api.py",
}


@pytest.mark.parametrize("library", sorted(RESERVED))
def test_a_library_stays_behind_its_adapter(library: str) -> None:
    """What talks to the outside is named in one place, so it can be replaced and its failures handled there."""
    wrong = [
        str(path)
        for path, tree in sources()
        if any(name.split(".")[0] == library for name in imported(path, tree)) and not RESERVED[library](str(path))
    ]
    assert wrong == []


def test_only_config_reads_the_environment() -> None:
    """A setting that is read somewhere else is neither listed, checked nor told."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and str(path) != "iot_service/config.py"
        # stand-alone programs that hold one engine; they must start fast and know nothing of the service
        and str(path) not in {"iot_service/engines/watchdog.py", "iot_service/engines/child.py"}
    ]
    assert wrong == []


CLOCKS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("datetime", "today"),
}


def test_only_the_clock_reads_the_wall_clock() -> None:
    """Time is an argument: else nothing can be replayed, and no test can be right at midnight."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in CLOCKS
        and str(path) != "iot_service/clock.py"
    ]
    assert wrong == []


def test_no_query_asks_the_database_for_the_time() -> None:
    """The database's clock is another clock than ours; SQL takes %(now)s."""
    wrong = [
        f"{path}: {word}"
        for path in (ROOT / "iot_service").rglob("*.sql")
        for word in ("now()", "current_timestamp", "clock_timestamp", "current_date")
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert wrong == []


def test_a_broad_except_stands_only_in_runners() -> None:
    """A swallowed error decides something without knowing what; only a runner may, and it logs the id of the row."""
    allowed = {"iot_service/db/events.py", "iot_service/worker.py", "iot_service/ingest/slots.py"}  # loops of threads
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and not (str(path).endswith("runner.py") or str(path) in allowed)
    ]
    assert wrong == []


def test_only_the_edge_ends_transactions() -> None:
    """A commit in the middle of a flow leaves half of it behind after a crash."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in sources("iot_service")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "commit" and isinstance(node.ctx, ast.Load)
    ]
    assert wrong == []


def test_files_and_functions_stay_small_enough_to_read() -> None:
    """Over 400 lines a file holds more than one concept; over 50 a function does more than one thing."""
    wrong = []
    for path, tree in sources("iot_service", "simulators", "bench"):
        if (lines := (ROOT / path).read_text(encoding="utf-8").count("\n")) > 400:
            wrong.append(f"{path}: {lines} lines")
        wrong += [
            f"{path}:{node.lineno} {node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno + 1 > 50
        ]
    assert wrong == []
