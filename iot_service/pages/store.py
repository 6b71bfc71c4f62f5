"""What the pages read by themselves."""

from __future__ import annotations

from iot_service.db import load_queries

QUERIES = load_queries("iot_service.pages")
"""The pages' named queries."""
