"""The list of events, as it stands on the front page and on a device's page."""

from __future__ import annotations

from urllib.parse import quote

from nicegui.element import Element

from iot_service.console.elements import KeyedList, moment, tag
from iot_service.console.shell import PREFIX, Visit
from iot_service.console.store import Row
from iot_service.console.words import Words

_BAD = {"need.opened", "need.escalated", "job.nobody_available", "job.not_answered", "device.offline"}
_GOOD = {"need.resolved", "need.deescalated", "device.in_service", "device.online", "job.completed", "order.delivered"}


def device_href(device_id: str) -> str:
    """Return the address of a device's page."""
    return f"{PREFIX}/devices/{quote(device_id, safe='')}"


def happening(row: Row, words: Words) -> tuple[str, str]:
    """Return what an event is called, and what it is about: the need's title, or what changed into what."""
    kind, _, change = str(row["type"]).partition(".")
    called = f"{kind} {change.replace('_', ' ')}"
    return called, words.need(row["product"], row["rule"], row["evidence"]) if row["rule"] else ""


def tone(row: Row) -> str:
    """Return how an event is coloured: by its need's severity where it opens one."""
    if row["type"] == "need.opened" and row["severity"]:
        return str(row["severity"])
    return "bad" if row["type"] in _BAD else "good" if row["type"] in _GOOD else "plain"


def event_list(words: Words, who: Visit) -> KeyedList[Row]:
    """Add an empty list of events and return it; ``show`` fills it."""

    def build(row: Row) -> Element:
        called, about = happening(row, words)
        with tag("li", classes=f"event {tone(row)}") as item:
            moment(row["at"], zone=who.zone, now=who.now)
            with tag("div"):
                with tag("p", classes="head"):
                    tag("span", called, "kind")
                    if row["device_name"]:
                        tag("a", row["device_name"], href=device_href(row["device_id"]))
                    elif row["customer_name"]:
                        tag("span", row["customer_name"])
                    if about:
                        tag("span", about, "about")
                tag("p", row["reason"], "reason")
                if row["actor"] != "service":
                    tag("p", f"by {row['actor']}", "meta")
        return item

    container = tag("ol", classes="events")
    return KeyedList(container, key=lambda row: row["id"], version=lambda row: row["id"], build=build)
