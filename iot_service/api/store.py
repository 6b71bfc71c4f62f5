"""The statements that the API runs by itself: what is only read, and who may act."""

from __future__ import annotations

from iot_service.db import load_queries

QUERIES = load_queries("iot_service.api")
"""The API's named queries."""
