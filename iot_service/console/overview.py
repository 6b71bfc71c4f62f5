"""The front page: figures, open needs, and what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Depends, Request
from nicegui import ui
from nicegui.element import Element

from iot_service.console.elements import KeyedList, tag
from iot_service.console.feed import Snapshot
from iot_service.console.happenings import event_list
from iot_service.console.needs import NeedList
from iot_service.console.shell import PREFIX, Console, content, frame, lag_class, visit
from iot_service.console.times import ago
from iot_service.console.words import SEVERITIES, count

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the front page, with what stands under it; ``tone`` colours the figure, parts have their own."""

    title: str
    figure: str
    parts: tuple[tuple[str, str], ...]
    tone: str = ""
    href: str = ""


def tiles(snapshot: Snapshot) -> list[Tile]:
    """Return the figures of the front page."""
    totals = snapshot.totals
    readings, late, dead = count(totals["readings_minute"]), count(totals["late_readings"]), totals["dead_letters"]
    return [
        _needs_tile(snapshot.need_counts),
        Tile(
            "Devices in service",
            count(totals["in_service"]),
            (
                (f"{totals['commissioning']} commissioning", ""),
                (f"{totals['out_of_service']} out of service", ""),
                (f"{totals['offline']} offline", "warn" if totals["offline"] else ""),
            ),
            href=f"{PREFIX}/devices",
        ),
        Tile("Readings, last minute", readings, ((f"{count(totals['readings_hour'])} last hour", ""),)),
        _ingest_tile(snapshot.lag_seconds, f"{late} late readings"),
        Tile(
            "Jobs in hand",
            count(totals["jobs"]),
            ((f"{totals['appointments']} appointments booked", ""), (f"{totals['orders']} orders open", "")),
        ),
        Tile(
            "Messages sent, 24 h",
            count(totals["sent"]),
            ((f"{totals['failed']} failed", "bad" if totals["failed"] else ""), (f"{totals['waiting']} waiting", "")),
        ),
        Tile(
            "Dead letters, 24 h",
            count(dead),
            (("what nobody understood", ""),),
            tone="warn" if dead else "",
            href=f"{PREFIX}/dead-letters",
        ),
    ]


def _needs_tile(needs: Mapping[str, int]) -> Tile:
    present = [severity for severity in SEVERITIES if needs.get(severity)]
    parts = tuple((f"{needs[severity]} {severity}", severity) for severity in present) or (("all is well", "good"),)
    return Tile("Open needs", count(sum(needs.values())), parts, tone=present[0] if present else "good")


def _ingest_tile(lag: float | None, late: str) -> Tile:
    if lag is None:
        return Tile("Ingest is behind", "not seen", ((late, ""),), tone="bad")
    figure = f"{lag:.1f} s" if lag < _MINUTE else ago(timedelta(seconds=lag))
    return Tile("Ingest is behind", figure, ((late, ""),), tone=lag_class(lag))


def _build_tile(tile: Tile) -> Element:
    with tag("li", classes="tile") as item:
        if tile.href:
            tag("a", tile.title, "label", href=tile.href)
        else:
            tag("span", tile.title, "label")
        tag("span", tile.figure, f"figure {tile.tone}")
        with tag("span", classes="parts"):
            for text, tone in tile.parts:
                tag("span", text, f"part {tone}")
    return item


def register(console: Console) -> None:
    """Register the front page."""

    @ui.page("/", dependencies=[Depends(visit)], response_timeout=40)
    async def overview(request: Request) -> None:
        who = visit(request)
        await console.feed.watch(ui.context.client)
        frame(console, who, title="Overview", here=f"{PREFIX}/")
        with content():
            tag("h1", "Overview", "unseen")
            figures = KeyedList(
                tag("ul", classes="tiles"), key=lambda tile: tile.title, version=lambda tile: tile, build=_build_tile
            )
            with tag("div", classes="columns"):
                with tag("section", aria_labelledby="needs-title"):
                    tag("h2", "Open needs", id="needs-title")
                    none = tag("p", "No open needs.", "empty")
                    needs = NeedList(console, who)
                    more = tag("p", classes="meta")
                with tag("section", aria_labelledby="events-title"):
                    tag("h2", "What happens", id="events-title")
                    events = event_list(console.words, who)

        def show() -> None:
            current = console.feed.snapshot
            figures.show(tiles(current))
            needs.show(current.needs, now=current.at)
            events.show(current.events)
            total = sum(current.need_counts.values())
            none.set_visibility(total == 0)
            more.set_text(f"{total - len(current.needs)} more" if total > len(current.needs) else "")

        show()
        console.feed.changed.subscribe(show)
