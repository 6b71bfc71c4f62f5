"""What the page of one device is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from iot_service.console import actions
from iot_service.console.chart import chart_options
from iot_service.console.devices import state_pill
from iot_service.console.elements import KeyedList, moment, tag
from iot_service.console.happenings import device_href, event_list
from iot_service.console.needs import NeedList
from iot_service.console.shell import PREFIX, Console, Visit, open_for
from iot_service.console.store import Curve, Row
from iot_service.console.words import number
from iot_service.model.device import ServiceState

SPANS: Mapping[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
"""Spans that a curve can be looked at over; None: all of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that the page shows of a device at one instant."""

    metric: str
    metrics: list[Row]
    attributes: list[Row]
    curve: Curve | None
    needs: list[Row]
    open_needs: list[Row]
    events: list[Row]
    maintenance: list[Row] = field(default_factory=list)


def head(console: Console, who: Visit, device: Row) -> None:
    """Add the device's name, whose it is and where, and what an operator can do with it."""
    with tag("div", classes="title"):
        with tag("div"):
            with tag("p", classes="meta"):
                tag("a", "Devices", href=f"{PREFIX}/devices")
                tag("span", console.words.product(device["product"]))
                tag("code", device["id"])
            with tag("h1", device["name"]):
                state_pill(device["service_state"])
                if device["online"] is not None:
                    tag(
                        "span",
                        "online" if device["online"] else "offline",
                        classes="pill" if device["online"] else "pill warn",
                    )
            with tag("p", classes="meta"):
                tag("span", device["customer_name"])
                if device["site_name"]:
                    tag("span", f"{device['site_name']}, {device['address']}")
                for name, value in sorted(device["parameters"].items()):
                    tag("span", f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}")
            if device["rule_error"]:
                tag("p", f"Its rules stopped: {device['rule_error']}", "away", role="alert")
        state = ServiceState(device["service_state"])
        if state is not ServiceState.RETIRED:
            out = state is ServiceState.OUT_OF_SERVICE
            target = ServiceState.IN_SERVICE if out else ServiceState.OUT_OF_SERVICE
            tag("button", "Maintenance…", type="button").on(
                "click", lambda: actions.ask_maintenance(console, who, device["id"], device["name"])
            )
            tag("button", "Put back in service…" if out else "Take out of service…", type="button").on(
                "click", lambda: actions.ask_service_state(console, who, device["id"], device["name"], target)
            )


class DeviceView:
    """The part of the page that is kept fresh."""

    def __init__(self, console: Console, who: Visit, device: Row, seen: Look, span: str) -> None:
        """Add it to the page and show ``seen``."""
        self._console, self._who, self._device = console, who, device
        self._chart: ui.echart | None = None
        self._maintenance: KeyedList[Row] = KeyedList(
            tag("ul", classes="past", aria_label="Planned maintenance"),
            key=lambda window: window["id"],
            version=lambda window: (window["ends_at"], self._mutes(window)),
            build=self._muted,
        )
        with tag("section", classes="panel", aria_label="Curve"):
            self._choices(seen, span)
            if seen.curve is not None:
                self._chart = ui.echart(self._options(seen, seen.curve)).classes("chart")
            self._caption = tag("p", classes="meta")
        with tag("div", classes="columns"):
            with tag("section"):
                tag("h2", "Open needs")
                self._no_needs = tag("p", "None.", "empty")
                self._needs = NeedList(console, who, with_device=False)
                self._past_title = tag("h2", "Needs before, within the curve")
                self._past = tag("ul", classes="past")
                tag("h2", "Newest values")
                self._twin = tag("div", classes="scroll")
            with tag("section"):
                tag("h2", "What happened")
                self._events = event_list(console.words, who)
        self.show(seen)

    def show(self, seen: Look) -> None:
        """Show what was seen anew."""
        now = self._console.feed.snapshot.at
        if self._chart is not None and seen.curve is not None:
            self._chart.options.clear()
            self._chart.options.update(self._options(seen, seen.curve))
            self._chart.update()
        self._caption.set_text(_caption(seen, self._who, self._unit(seen.metric)))
        self._maintenance.show(seen.maintenance)
        self._needs.show(seen.open_needs, now=now)
        self._no_needs.set_visibility(not seen.open_needs)
        closed = [need for need in seen.needs if need["closed_at"] is not None]
        self._past_title.set_visibility(bool(closed))
        self._past.clear()
        with self._past:
            for need in closed:
                self._past_need(need)
        self._twin.clear()
        with self._twin:
            self._values(seen)
        self._events.show(seen.events)

    def _unit(self, metric: str) -> str:
        return self._console.words.unit(self._device["product"], metric)

    def _options(self, seen: Look, curve: Curve) -> dict[str, object]:
        words, product = self._console.words, self._device["product"]
        return chart_options(
            curve,
            [*seen.open_needs, *(need for need in seen.needs if need["closed_at"] is not None)],
            words,
            unit=self._unit(seen.metric),
            longest_gap=words.longest_gap(product, seen.metric),
        )

    def _choices(self, seen: Look, span: str) -> None:
        here = device_href(self._device["id"])
        with tag("div", classes="choices"):
            with tag("nav", classes="tabs", aria_label="Metric"):
                for row in seen.metrics:
                    href = f"{here}?{urlencode({'metric': row['metric'], 'span': span})}"
                    _choice(row["metric"].replace("_", " "), href, chosen=row["metric"] == seen.metric)
            with tag("nav", classes="tabs", aria_label="Span"):
                for name in SPANS:
                    href = f"{here}?{urlencode({'metric': seen.metric, 'span': name})}"
                    _choice(name, href, chosen=name == span)

    def _mutes(self, window: Row) -> bool:
        return bool(window["starts_at"] <= self._console.feed.snapshot.at)

    def _muted(self, window: Row) -> Element:
        """Say that maintenance is planned, or that it mutes the device now."""
        zone, now = self._who.zone, self._console.feed.snapshot.at
        with tag("li") as item:
            muted = self._mutes(window)
            tag("span", "muted: maintenance" if muted else "maintenance", "pill warn" if muted else "pill")
            tag("strong", window["reason"])
            with tag("span", classes="meta"):
                moment(window["starts_at"], zone=zone, now=now)
                tag("span", "to")
                moment(window["ends_at"], zone=zone, now=now)
                tag("span", f"by {window['planned_by']}")
                tag("button", "End", "quiet", type="button").on(
                    "click", lambda: actions.end_maintenance(self._console, self._who, window["id"])
                )
        return item

    def _past_need(self, need: Row) -> None:
        zone, now = self._who.zone, self._who.now
        with tag("li"):
            with tag("p", classes="head"):
                tag("span", need["severity"], f"pill {need['severity']}")
                tag("strong", self._console.words.need(need["product"], need["rule"], need["evidence"]))
                tag("span", f"{need['state']} after {open_for(need['opened_at'], need['closed_at'])}", "meta")
            with tag("p", classes="meta"):
                moment(need["opened_at"], zone=zone, now=now)
                tag("span", need["reason"])

    def _values(self, seen: Look) -> None:
        if not seen.metrics and not seen.attributes:
            tag("p", "It has not reported anything yet.", "empty")
            return
        with tag("table", classes="twin"), tag("tbody"):
            for row in seen.metrics:
                value = f"{number(row['value'])} {self._unit(row['metric'])}".rstrip()
                self._value(row["metric"], value, row, "by time of receipt" if row["ts_assumed"] else "")
            for row in seen.attributes:
                value = row["value"] if isinstance(row["value"], str) else json.dumps(row["value"], ensure_ascii=False)
                self._value(row["name"], value, row, "")

    def _value(self, name: str, value: str, row: Row, note: str) -> None:
        with tag("tr"):
            tag("th", name.replace("_", " "), scope="row")
            tag("td", value, "value")
            with tag("td", classes="when"):
                moment(row["ts"], zone=self._who.zone, now=self._who.now)
                if note:
                    tag("span", note, "meta")


def _choice(text: str, href: str, *, chosen: bool) -> TextElement:
    link = tag("a", text, href=href)
    if chosen:
        link.props["aria-current"] = "true"
    return link


def _caption(seen: Look, who: Visit, unit: str) -> str:
    if seen.curve is None:
        return "No readings yet."
    steps = seen.curve.steps
    if not steps:
        return "No readings in this span."
    low, high = min(step.low[1] for step in steps), max(step.high[1] for step in steps)
    readings = sum(step.readings for step in steps)
    ends = f"{who.zone.short(seen.curve.since, now=who.now)} to {who.zone.short(seen.curve.until, now=who.now)}"
    figures = f"{readings} readings, lowest {number(low)}, highest {number(high)} {unit}".rstrip()
    return f"{figures} · {ends} {who.zone.name}"
