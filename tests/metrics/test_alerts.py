"""The alert rules and the scrape example that we ship fit the figures that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from iot_service.metrics import registry

ROOT = Path(__file__).parent.parent.parent
ALERTS = ROOT / "deploy" / "prometheus-alerts.yml"
SCRAPE = ROOT / "deploy" / "prometheus.yml"
NAME = re.compile(r"\biot_[a-z_]+\b")
USE = re.compile(r"\b(iot_[a-z_]+)\{([^}]*)\}")
DURATION = re.compile(r"^\d+[smh]$")


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def figures() -> list[MetricWrapperBase]:
    """Every figure of the table."""
    return [value for value in vars(registry).values() if isinstance(value, MetricWrapperBase)]


SUFFIXES: dict[str | None, tuple[str, ...]] = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
}


def samples() -> dict[str, set[str]]:
    """Every name that may stand in an expression, with its labels."""
    return {
        figure._name + suffix: {*figure._labelnames, *(["le"] if suffix == "_bucket" else [])}
        for figure in figures()
        for suffix in SUFFIXES[figure._type]
    }


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_about_figures_that_there_are_and_says_what_to_do(rule: dict[str, Any]) -> None:
    known = samples()
    names = set(NAME.findall(rule["expr"]))
    assert names <= set(known) or rule["alert"] == "IotServiceAway"
    for name, matchers in USE.findall(rule["expr"]):
        assert set(re.findall(r"(\w+)\s*(?:=|!)", matchers)) <= known[name]
    for name in re.findall(r"(?:by|on) \((\w+)\)", rule["expr"]):
        assert name == "job" or any(name in known[used] for used in names)
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert DURATION.match(rule.get("for", "0s"))
    assert set(rule["annotations"]) == {"summary", "description"}
    for label in re.findall(r"\$labels\.(\w+)", str(rule["annotations"])):
        assert label in {"instance", "job"} or any(label in known[used] for used in names)


def test_the_files_are_what_prometheus_takes() -> None:
    """With the real checker where it is installed."""
    scrape = yaml.safe_load(SCRAPE.read_text(encoding="utf-8"))
    assert scrape["rule_files"] == [ALERTS.name]
    assert all({"job_name", "static_configs"} <= set(job) for job in scrape["scrape_configs"])
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    if (promtool := shutil.which("promtool")) is not None:
        done = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_figure_is_documented_with_its_labels() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    missing = []
    for figure in figures():
        name = figure._name + ("_total" if figure._type == "counter" else "")
        row = next((line for line in page.splitlines() if line.startswith(f"| `{name}` ")), None)
        if row is None or any(f"`{label}`" not in row for label in figure._labelnames):
            missing.append(name)
    assert missing == []
