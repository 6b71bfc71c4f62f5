"""Migrations: plain SQL files, applied in order, once, by one process at a time."""

from __future__ import annotations

from importlib import resources

import psycopg
from yoyo import get_backend, read_migrations

_LOCK = 7_243_001  # any number, as long as it is always the same


def migrate(url: str) -> list[str]:
    """Bring the database at ``url`` to the newest schema; return the names of the migrations that were applied.

    Processes that start together wait for one another (an advisory lock, because the migration library's own lock row
    stays behind when a process is killed). Raises psycopg.OperationalError when the database cannot be reached.
    """
    with psycopg.connect(url, autocommit=True, application_name="iot-service migrate") as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            backend.break_lock()
            migrations = read_migrations(str(resources.files("iot_service.db") / "migrations"))
            with backend.lock():
                pending = backend.to_apply(migrations)
                names = [migration.id for migration in pending]
                backend.apply_migrations(pending)
        finally:
            backend.connection.close()
        return names
