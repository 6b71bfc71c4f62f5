"""Telemetry in: from the broker to rows; nothing lost, nothing twice, nothing dropped in silence."""
