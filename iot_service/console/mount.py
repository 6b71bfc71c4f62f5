"""Putting the console into the web application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui

from iot_service.console import dead_letters, device, devices, overview
from iot_service.console.feed import Feed
from iot_service.console.shell import PREFIX, Console
from iot_service.console.words import Words
from iot_service.db import Database
from iot_service.products.catalog import Catalog

_LOOK_EVERY = 1.0  # seconds of life


def mount_console(app: FastAPI, database: Database, catalog: Catalog) -> None:
    """Put the console under ``/console`` of ``app``, before its server starts; one server at a time per process.

    Who may see it is decided by the guard in front of ``app``, which names the operator in ``scope["operator"]``;
    a request without one is refused. Pages bring all scripts and styles themselves, so no network is needed.
    """
    console = Console(catalog=catalog, words=Words(catalog), feed=Feed(database))
    for page in (overview, devices, device, dead_letters):
        page.register(console)
    _look_while_running(app, console.feed)
    # NiceGUI has one application per process: a later mount (tests) begins with that of the earlier one.
    nicegui_app.user_middleware.clear()
    nicegui_app.middleware_stack = None
    ui.run_with(
        app,
        mount_path=PREFIX,
        title="iot-service",
        tailwind=False,
        show_welcome_message=False,
        gzip_middleware_factory=None,
        reconnect_timeout=10,
    )


def _look_while_running(app: FastAPI, feed: Feed) -> None:
    """Let the feed look once a second from the start of ``app`` to its end."""
    inner = app.router.lifespan_context

    async def look() -> None:
        while True:
            await feed.tick()
            await asyncio.sleep(_LOOK_EVERY)

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        looking = asyncio.create_task(look())
        try:
            async with inner(running) as state:
                yield state
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    app.router.lifespan_context = lifespan
