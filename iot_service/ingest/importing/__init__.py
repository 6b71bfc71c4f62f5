"""Telemetry in from files: the past of a device, at the database's speed, checked like all other telemetry."""
