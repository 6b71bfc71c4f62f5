"""Frozen dataclasses and enums that every stage shares; no input, no output."""
