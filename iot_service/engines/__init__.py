"""Engines that come along: PostgreSQL and an MQTT broker as children of the service."""
