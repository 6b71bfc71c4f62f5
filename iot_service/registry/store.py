"""The registry's named queries, and the wake-up for who mirrors what it holds."""

from __future__ import annotations

from iot_service.db import ClashError, Connection, load_queries

QUERIES = load_queries("iot_service.registry")
"""The named queries of this stage."""

TakenError = ClashError
"""What the database raises where an id is taken by somebody else at the same moment."""


def wake_mirrors(connection: Connection) -> None:
    """Tell those who mirror the registry (broker files, caches) that it changes when this transaction is committed."""
    QUERIES["wake_mirrors"].run(connection)


def count_secrets(connection: Connection) -> int:
    """Return how many devices and gateways have a secret."""
    return int(QUERIES["count_secrets"].one(connection)["secrets"])
