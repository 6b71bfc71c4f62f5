"""What carries commands to devices: one small protocol, so that a fake can stand in for the broker's connection."""

from __future__ import annotations

from typing import Protocol


class Publisher(Protocol):
    """A connection to the broker."""

    def publish(self, topic: str, payload: bytes, *, expiry_seconds: int) -> None:
        """Publish with QoS 1, not retained, and return when the broker has acknowledged it.

        The broker may keep it for a device that is away for ``expiry_seconds`` (MQTT 5; without it nothing bounds
        that). Raises RetryError where there is no connection, the broker refuses, or it does not answer in time: then
        the message may still have reached it.
        """


def command_topic(device_id: str) -> str:
    """Return the topic that a device listens on."""
    return f"iot/v1/{device_id}/command"
