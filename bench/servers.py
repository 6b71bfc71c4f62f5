"""The servers that a benchmark runs on: those of ``IOT_DATABASE_URL`` and ``IOT_MQTT_URL``, or of ``make servers``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

from iot_service.db.migrate import migrate

_ROOT = Path(__file__).parents[1]


def servers() -> dict[str, str]:
    """Return the ``IOT_…`` settings of the servers, starting those of ``make servers`` where none are set."""
    named = {name: os.environ[name] for name in ("IOT_DATABASE_URL", "IOT_MQTT_URL") if name in os.environ}
    if len(named) == 2:
        return named
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers", "start"], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("IOT_")) | named


@contextmanager
def fresh_database(server_url: str, name: str) -> Iterator[str]:
    """Make the database ``name`` with our schema beside the one of ``server_url``; yields its address, drops it after.

    One of that name that an earlier run left is dropped first.
    """
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            migrate(url)
            yield url
        finally:
            connection.execute(drop)
