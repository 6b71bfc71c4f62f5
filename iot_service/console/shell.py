"""The frame of every page: head, navigation, the operator's corner; and what a page knows about who looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from fastapi import HTTPException, Request
from nicegui import ui

from iot_service import clock
from iot_service.api.principal import Principal
from iot_service.console.elements import tag
from iot_service.console.feed import Feed
from iot_service.console.times import Zone, ago, utc
from iot_service.console.words import Words
from iot_service.products.catalog import Catalog

PREFIX = "/console"
_STYLE = resources.files("iot_service.console").joinpath("console.css").read_text(encoding="utf-8")
_SCRIPT = resources.files("iot_service.console").joinpath("console.js").read_text(encoding="utf-8")
_PAGES = (("Overview", f"{PREFIX}/"), ("Devices", f"{PREFIX}/devices"), ("Dead letters", f"{PREFIX}/dead-letters"))
_LAG_WARNS, _LAG_ALARMS = 5, 60  # seconds of life


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages work with."""

    catalog: Catalog
    words: Words
    feed: Feed


@dataclass(frozen=True, slots=True)
class Visit:
    """Who opened a page, and how times are shown to them."""

    operator: Principal
    zone: Zone
    now: datetime


def visit(request: Request) -> Visit:
    """Return who is looking, as the guard in front of the console put it into the request.

    Raises HTTPException (401) where nobody did: without the guard the console stays shut.
    """
    operator = request.scope.get("operator")
    if not isinstance(operator, Principal):
        raise HTTPException(status_code=401, detail="log in first")
    return Visit(operator, Zone(request.cookies.get("iot_zone", "UTC")), clock.now())


def lag_class(seconds: float) -> str:
    """Return how to show that ingest is ``seconds`` of life behind."""
    if seconds > _LAG_ALARMS:
        return "bad"
    return "warn" if seconds > _LAG_WARNS else "good"


def frame(console: Console, who: Visit, *, title: str, here: str) -> None:
    """Begin a page: call it first, then add the content within ``content()``."""
    ui.page_title(f"{title} · iot-service")
    ui.colors(primary="#2463b8")
    ui.add_css(_STYLE)
    ui.add_head_html(f"<script>{_SCRIPT}</script>")
    tag("a", "Skip to content", "skip", href="#content")
    with tag("header", classes="bar"):
        tag("a", "iot-service", "brand", href=f"{PREFIX}/")
        with tag("nav", aria_label="Pages"):
            for name, href in _PAGES:
                link = tag("a", name, href=href)
                if href == here:
                    link.props["aria-current"] = "page"
        with tag("div", classes="corner"):
            stamp = tag("time", classes="clock")
            tag("button", "◐", "icon", type="button", title="Light, dark or as the system", data_theme_switch="")
            tag("span", who.operator.name, "who")
            with tag("form", method="post", action="/logout"):
                tag("input", type="hidden", name="csrf_token", value=who.operator.csrf_token)
                tag("button", "Log out", "quiet", type="submit")
    away = tag("p", "The database cannot be reached; what you see is from before.", "away", role="alert")

    def tick() -> None:
        now = console.feed.snapshot.at
        stamp.set_text(f"{who.zone.short(now, now=now)} {who.zone.name}")
        stamp.props["title"] = utc(now)
        away.set_visibility(not console.feed.snapshot.available)

    tick()
    console.feed.changed.subscribe(tick)


def content() -> ui.element:
    """Return the element that a page's content goes into."""
    return tag("main", id="content", tabindex="-1")


def open_for(since: datetime, now: datetime) -> str:
    """Return how long something has been open."""
    return ago(now - since)
