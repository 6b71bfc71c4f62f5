"""The page of one device: its curve with its needs, its twin, and what happened to it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

from fastapi import Depends, Request
from nicegui import ui

from iot_service import clock
from iot_service.console import store
from iot_service.console.device_view import SPANS, DeviceView, Look, head
from iot_service.console.elements import tag
from iot_service.console.shell import PREFIX, Console, content, frame, visit
from iot_service.console.store import Row
from iot_service.db import Connection, DatabaseUnavailableError

_REFRESH = 10.0  # seconds of life between looks at the curve


def look(connection: Connection, console: Console, device: Row, metric: str, span: str) -> Look:
    """Read what the page shows; a ``metric`` that the device never reported gives way to its headline metric."""
    now = clock.now()
    metrics, attributes = store.twin(connection, device["id"])
    names = [row["metric"] for row in metrics]
    if metric not in names:
        metric = console.words.headline(device["product"], names) if names else ""
    curve = store.curve(connection, device["id"], metric, span=SPANS[span], now=now) if metric else None
    since, until = (curve.since, curve.until) if curve else (now - timedelta(days=1), now)
    return Look(
        metric,
        metrics,
        attributes,
        curve,
        store.device_needs(connection, device["id"], since=since, until=until),
        store.open_needs_of(connection, device["id"]),
        store.device_events(connection, device["id"]),
        store.maintenance_of(connection, device["id"], now=now),
    )


def register(console: Console) -> None:
    """Register the page."""

    @ui.page("/devices/{device_id}", dependencies=[Depends(visit)], response_timeout=40)
    async def device(request: Request, device_id: str, metric: str = "", span: str = "24h") -> None:
        who = visit(request)
        span = span if span in SPANS else "24h"
        await console.feed.watch(ui.context.client)
        row = await console.feed.read(lambda connection: store.device(connection, device_id.replace("\0", "")))
        if row is None:
            ui.context.client.status_code = 404
            frame(console, who, title="No such device", here="")
            with content():
                tag("h1", "No such device")
                tag("a", "All devices", href=f"{PREFIX}/devices")
            return

        async def read() -> Look:
            key = ("device", row["id"], metric, span)
            return await console.feed.shared(
                key, lambda connection: look(connection, console, row, metric, span), seconds=_REFRESH - 1
            )

        seen = await read()
        frame(console, who, title=row["name"], here="")
        with content():
            head(console, who, row)
            view = DeviceView(console, who, row, seen, span)
        refreshed = time.monotonic()

        async def refresh() -> None:
            nonlocal refreshed
            if time.monotonic() - refreshed >= _REFRESH:
                refreshed = time.monotonic()
                with suppress(DatabaseUnavailableError):  # the frame says so
                    view.show(await read())

        console.feed.changed.subscribe(refresh)
