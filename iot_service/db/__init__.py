"""The database: pool, transactions, named queries, migrations, the event log."""

from psycopg import OperationalError as DatabaseUnavailableError
from psycopg.types.json import Jsonb

from iot_service.db.pool import Connection, Database
from iot_service.db.queries import Query, load_queries

__all__ = ["Connection", "Database", "DatabaseUnavailableError", "Jsonb", "Query", "load_queries"]
