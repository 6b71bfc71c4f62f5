"""The commands. Each reads its settings, and calls one function of the wiring; there is no logic here.

Imports stand inside the commands, so that each loads only what it runs and `--help` answers at once.
"""

from __future__ import annotations

from iot_service.cli import commands, data, devices, formats, gateways, people, rollups, rules, running, telemetry
from iot_service.cli.app import app

__all__ = [
    "app",
    "commands",
    "data",
    "devices",
    "formats",
    "gateways",
    "people",
    "rollups",
    "rules",
    "running",
    "telemetry",
]
