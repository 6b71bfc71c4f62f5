"""What `rules unknown` prints."""

from __future__ import annotations

from iot_service.config import Settings
from iot_service.rules.doubts import list_doubts
from iot_service.rules.why import Why
from iot_service.wiring.at_work import at_work


def unknown_rules(settings: Settings, *, device_id: str | None, why: Why | None, limit: int) -> str:
    """Return one line for each rule that cannot be judged: the device, the rule and the reason."""
    with at_work(settings) as connection:
        doubts = list_doubts(connection, device_id=device_id, why=why, limit=limit)
    lines = [f"{doubt.device_id}  {doubt.product}/{doubt.rule}  {doubt.unknown}" for doubt in doubts]
    return "\n".join(lines) or "every rule can be judged on every device"
