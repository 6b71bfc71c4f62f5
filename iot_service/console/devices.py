"""The list of devices: search, filter, page by page."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Depends, Request
from nicegui import ui

from iot_service.console import store
from iot_service.console.elements import moment, tag
from iot_service.console.happenings import device_href
from iot_service.console.shell import PREFIX, Console, Visit, content, frame, visit
from iot_service.console.store import Row
from iot_service.console.words import STATES

_SIZE = 50


def register(console: Console) -> None:
    """Register the page."""

    @ui.page("/devices", dependencies=[Depends(visit)], response_timeout=40)
    async def devices(request: Request, q: str = "", product: str = "", state: str = "", page: int = 1) -> None:
        who = visit(request)
        page = min(max(page, 1), 10_000)
        search = q.strip()[:100].replace("\0", "")
        await console.feed.watch(ui.context.client)
        rows, matches = await console.feed.read(
            lambda connection: store.devices(
                connection, search=search, product=product, state=state, page=page, size=_SIZE
            )
        )
        frame(console, who, title="Devices", here=f"{PREFIX}/devices")
        with content():
            tag("h1", "Devices")
            _filters(console, search, product, state)
            tag("p", f"{matches} devices" if matches != 1 else "1 device", "meta")
            if rows:
                _table(console, who, rows)
            else:
                tag("p", "No device matches.", "empty")
            _pages({"q": search, "product": product, "state": state}, page, matches)


def _filters(console: Console, search: str, product: str, state: str) -> None:
    with tag("form", classes="filters", method="get", action=f"{PREFIX}/devices", role="search"):
        tag(
            "input", type="search", name="q", value=search, placeholder="Name, id or customer", aria_label="Search",
        )  # fmt: skip
        _choice("product", "Product", {"": "All products", **console.words.products()}, product)
        _choice("state", "Service state", {"": "All states", **STATES}, state)
        tag("button", "Show", type="submit")


def _choice(name: str, label: str, options: dict[str, str], chosen: str) -> None:
    with tag("select", name=name, aria_label=label):
        for value, text in options.items():
            option = tag("option", text, value=value)
            if value == chosen:
                option.props["selected"] = "selected"


def _table(console: Console, who: Visit, rows: list[Row]) -> None:
    with tag("div", classes="scroll"), tag("table", classes="devices"):
        with tag("thead"), tag("tr"):
            for heading in ("Device", "Needs", "State", "Product", "Customer", "Newest reading"):
                tag("th", heading, scope="col")
        with tag("tbody"):
            for row in rows:
                _row(console, who, row)


def _row(console: Console, who: Visit, row: Row) -> None:
    with tag("tr"):
        with tag("td", classes="name"):
            tag("a", row["name"], href=device_href(row["id"]))
            tag("span", row["id"], "meta")
        with tag("td"):
            if row["needs"]:
                tag("span", f"{row['needs']} {row['severity']}", f"pill {row['severity']}")
        with tag("td"):
            state_pill(row["service_state"])
            if row["online"] is False:
                tag("span", "offline", "pill warn")
        tag("td", console.words.product(row["product"]))
        with tag("td"):
            tag("span", row["customer_name"])
            if row["site_name"]:
                tag("span", row["site_name"], "meta")
        with tag("td"):
            if row["newest_at"]:
                moment(row["newest_at"], zone=who.zone, now=who.now)
            else:
                tag("span", "never", "meta")


def state_pill(state: str) -> None:
    """Add a device's service state, as a word in its colour."""
    tag("span", STATES.get(state, state), f"pill {state}")


def _pages(query: dict[str, str], page: int, matches: int) -> None:
    kept = {key: value for key, value in query.items() if value}
    with tag("nav", classes="pages", aria_label="Pages of the list"):
        if page > 1:
            tag("a", "← Previous", href=f"{PREFIX}/devices?{urlencode({**kept, 'page': page - 1})}", rel="prev")
        if page * _SIZE < matches:
            tag("a", "Next →", href=f"{PREFIX}/devices?{urlencode({**kept, 'page': page + 1})}", rel="next")
