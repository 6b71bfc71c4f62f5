"""The database: pool, transactions, named queries, migrations, the event log."""

from psycopg import DataError as UnstorableError
from psycopg import IntegrityError as ClashError
from psycopg import OperationalError as DatabaseUnavailableError
from psycopg.types.json import Jsonb

from iot_service.db.pool import Connection, Database
from iot_service.db.queries import Query, load_queries

__all__ = [
    "ClashError",
    "Connection",
    "Database",
    "DatabaseUnavailableError",
    "Jsonb",
    "Query",
    "UnstorableError",
    "load_queries",
]
