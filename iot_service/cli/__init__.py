"""The commands. Each reads its settings, and calls one function of the wiring; there is no logic here.

Imports stand inside the commands, so that each loads only what it runs and `--help` answers at once.
"""

from __future__ import annotations

from iot_service.cli import (
    areas,
    commands,
    data,
    devices,
    formats,
    gateways,
    maintenance,
    people,
    rollups,
    rules,
    rules_anomalies,
    rules_backtest,
    rules_override,
    rules_rejudge,
    rules_schema,
    rules_show,
    rules_unknown,
    rules_versions,
    running,
    telemetry,
)
from iot_service.cli.app import app

__all__ = [
    "app",
    "areas",
    "commands",
    "data",
    "devices",
    "formats",
    "gateways",
    "maintenance",
    "people",
    "rollups",
    "rules",
    "rules_anomalies",
    "rules_backtest",
    "rules_override",
    "rules_rejudge",
    "rules_schema",
    "rules_show",
    "rules_unknown",
    "rules_versions",
    "running",
    "telemetry",
]
