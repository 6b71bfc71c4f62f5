"""What endpoints ask for: one transaction per request, the time, the catalog, the links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.ingest.formats.router import Router
from iot_service.links import Links
from iot_service.products.catalog import Catalog

_AT_ONCE = 6


def _transaction(request: Request) -> Iterator[Connection]:
    database: Database = request.app.state.database
    with database.transaction() as connection:
        request.state.connection = connection
        yield connection


def _now() -> datetime:
    return clock.now()


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


def _router(request: Request) -> Router:
    router: Router = request.app.state.router
    return router


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Transaction = Annotated[Connection, Depends(_transaction, scope="function", max_concurrency=_AT_ONCE)]
"""The request's transaction.

It is committed when the answer is ready and before it is sent, so an answer never promises what was not kept. Fewer
requests hold one at once than the pool has connections: the others wait outside the thread pool, or those that hold a
connection would find no thread to go on with.
"""
Now = Annotated[datetime, Depends(_now)]
"""The time at the edge (UTC)."""
TheCatalog = Annotated[Catalog, Depends(_catalog)]
"""The product models, rules and services."""
TheRouter = Annotated[Router, Depends(_router)]
"""What reads messages of other formats than the contract's."""
TheLinks = Annotated[Links, Depends(_links)]
"""The maker and reader of signed links."""
TheSettings = Annotated[Settings, Depends(_settings)]
"""The settings of this process."""
