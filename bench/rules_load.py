"""How long 10,000 rules take to load: read as YAML, validated, cross-checked and compiled; cold, and from the cache."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.rules_telemetry import CAR_20, FREEZER_20
from iot_service.products.cache import CacheFile
from iot_service.products.catalog import load_catalog, shipped_files
from iot_service.rules.compiled import compile_catalog
from iot_service.rules.expression_cache import ExpressionCache, use

_PRODUCTS = 20


def write_rules(folder: Path, count: int) -> None:
    """Write ``count`` rules, no two the same, as files of 20 products: half of them freezers, half of them cars."""
    sources = {name: _product(name) for name in ("freezer", "car")}
    for number in range(_PRODUCTS):
        kind, rules = ("freezer", FREEZER_20) if number % 2 else ("car", CAR_20)
        product = f"{kind}_{number}"
        text = sources[kind].replace(f"id: {kind}\n", f"id: {product}\n")
        (folder / f"{product}.yaml").write_text(text, encoding="utf-8")
        own = range(number, count, _PRODUCTS)
        entries = {f"rule_{each}": _rule(each, list(rules.values())[each // _PRODUCTS % len(rules)]) for each in own}
        document = {"product": product, "rules": entries}
        path = folder / f"{product}.rules.yaml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _product(name: str) -> str:
    (file,) = (file for file in shipped_files() if file.name == f"{name}.yaml")
    return file.read_text(encoding="utf-8")


def _rule(number: int, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule like another, with texts and limits of its own: no two compile to the same program."""
    changed = {
        name: _shifted(text, number) if name in ("when", "clear") else text
        for name, text in like.items()
        if isinstance(text, str)
    }
    return {
        "kind": "fault",
        "severity": "normal",
        "title": {"nb": f"Feil nummer {number}", "en": f"Fault number {number}"},
        "advice": {"nb": "Se på den når du kan.", "en": "Have a look at it when you can."},
        **like,
        **changed,
    }


def _shifted(expression: str, number: int) -> str:
    """Return ``expression`` with each number that it compares with moved by a little, or with one more comparison."""
    other, count = re.subn(
        r"([<>]=? -?)(\d+(?:\.\d+)?)", lambda found: f"{found[1]}{float(found[2]) + number / 1e6:.6f}", expression
    )
    return other if count else f"({expression}) && {re.split(r'[^a-z_]', expression)[0]} < {1e6 + number}"


@dataclass(frozen=True, slots=True)
class Loading:
    """Seconds to load so many rules, with nothing known of them and from the caches, and the caches' size."""

    rules: int
    cold: float
    cached: float
    cache_bytes: int


def measure(count: int) -> Loading:
    """Load ``count`` rules twice: the first time fills the caches, which costs the time that it costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules, caches = folder / "rules", folder / "caches"
        rules.mkdir()
        write_rules(rules, count)
        cold, found = _load(rules, caches)
        cached, again = _load(rules, caches)
        if found != again or found < count:
            raise SystemExit(f"{found} and {again} rules were loaded instead of {count}")
        return Loading(found, cold, cached, sum(file.stat().st_size for file in caches.iterdir()))


def _load(rules: Path, caches: Path) -> tuple[float, int]:
    began = time.perf_counter()
    expressions = ExpressionCache(CacheFile(caches / "expressions.json"))
    use(expressions)
    try:
        products = compile_catalog(load_catalog(rules, cache=CacheFile(caches / "files.json")))
        expressions.save()
    finally:
        use(None)
    return time.perf_counter() - began, sum(len(product.rules) for product in products.values())
