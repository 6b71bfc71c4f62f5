"""The application: the API, the login and the pages, behind the guard and the headers that all answers carry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.datastructures import State

from iot_service.api import health, login, metrics, problems
from iot_service.api.guard import ConsoleGuard
from iot_service.api.live import LiveEvents
from iot_service.api.measured import Measured
from iot_service.api.middleware import BodyLimit, SafeHeaders
from iot_service.api.resources import (
    appointments,
    broker,
    claim,
    claim_keys,
    commands,
    customers,
    dead_letters,
    device_groups,
    device_rules,
    devices,
    events,
    gateways,
    inbox,
    jobs,
    maintenance,
    needs,
    orders,
    proposals,
    readings,
    registrations,
    registry,
    rule_overrides,
    rules,
    services_done,
    sites,
    subscriptions,
    technicians,
    telemetry,
    tokens,
    workshops,
)
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.engines.topic_rights import DEVICE_RIGHTS, TopicRights
from iot_service.ingest.formats.router import Router
from iot_service.ingest.http import HttpDoor
from iot_service.links import Links
from iot_service.pages.routes import make_router
from iot_service.products.catalog import Catalog

CONSOLE = "/console"
_LARGEST_BODY = 1_000_000
_STREAM_SECONDS = 600.0
_CONTRACT_ONLY = Router(())

RESOURCES = (
    appointments, broker, claim, claim_keys, commands, customers, dead_letters, device_groups, device_rules, devices,
    events, gateways, inbox, jobs, maintenance, needs, orders, proposals, readings, registrations, registry,
    rule_overrides, rules, services_done, sites, subscriptions, technicians, telemetry, tokens, workshops,
)  # fmt: skip
"""Everything under ``/v1``."""


def create_app(
    database: Database,
    catalog: Catalog,
    links: Links,
    settings: Settings,
    *,
    router: Router = _CONTRACT_ONLY,
    device_rights: TopicRights = DEVICE_RIGHTS,
    stream_seconds: float = _STREAM_SECONDS,
) -> FastAPI:
    """Return the application over an open database. The console is mounted onto it afterwards, at ``CONSOLE``.

    ``router`` reads dead letters of other formats than the contract's, ``device_rights`` are what every device may do
    at a broker that asks. ``stream_seconds`` is for how long (seconds of life) a live stream goes on before its client
    must connect anew.
    """
    live_events = LiveEvents(database)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        live_events.start()
        yield
        live_events.stop()

    app = FastAPI(
        title="iot-service",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    app.state = State(
        {
            "database": database,
            "catalog": catalog,
            "links": links,
            "settings": settings,
            "router": router,
            "device_rights": device_rights,
            "live_events": live_events,
            "http_door": HttpDoor(catalog, settings),
            "stream_seconds": stream_seconds,
        }
    )
    _include_all(app)
    app.include_router(make_router(database, catalog, links, settings))
    problems.install(app)
    _stand_before(app, database, settings)
    return app


def _include_all(app: FastAPI) -> None:
    for module in (*RESOURCES, health, metrics, login):
        app.include_router(module.router)


def _stand_before(app: FastAPI, database: Database, settings: Settings) -> None:
    """Add what every request goes through, the innermost first."""
    app.add_middleware(ConsoleGuard, database=database, settings=settings, prefix=CONSOLE)
    app.add_middleware(BodyLimit, most=_LARGEST_BODY)
    app.add_middleware(SafeHeaders, but=CONSOLE)
    app.add_middleware(Measured, apart=(CONSOLE, "/static"))
