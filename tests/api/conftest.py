from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from iot_service import clock
from iot_service.api import operators
from iot_service.api.app import create_app
from iot_service.config import Settings, load_settings
from iot_service.db import Database
from iot_service.links import Links
from iot_service.products.catalog import Catalog, load_catalog
from tests.api.callers import Callers
from tests.factories import NOW


@pytest.fixture(scope="package", autouse=True)
def service_hasher() -> Iterator[PasswordHasher]:
    """What the service hashes passwords with. Tests of the API use a cheap one, or they would do little else."""
    real = operators._hasher
    operators._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    operators._nobody.cache_clear()
    yield real
    operators._hasher = real
    operators._nobody.cache_clear()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def links() -> Links:
    return Links("a secret key of thirty-two letters", "http://testserver")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, booking_notice=timedelta(days=2))


@pytest.fixture
def app(database: Database, catalog: Catalog, links: Links, settings: Settings) -> FastAPI:
    return create_app(database, catalog, links, settings, stream_seconds=1.5)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    clock.freeze(NOW)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def callers(database: Database, links: Links) -> Callers:
    return Callers(database, links)
