"""The list of open needs, each with what an operator can do about it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from iot_service.console import actions
from iot_service.console.elements import KeyedList, moment, tag
from iot_service.console.happenings import device_href
from iot_service.console.shell import Console, Visit, open_for
from iot_service.console.store import Row


class NeedList:
    """Open needs, the gravest first; kept in place while they do not change, so that a button keeps its focus."""

    def __init__(self, console: Console, who: Visit, *, with_device: bool = True) -> None:
        """Add an empty list to the page; ``with_device`` names the device and its customer with each need."""
        self._console = console
        self._who = who
        self._with_device = with_device
        self._ages: dict[int, tuple[datetime, TextElement]] = {}
        self._now = who.now
        self._list: KeyedList[Row] = KeyedList(
            tag("ol", classes="needs"), key=lambda row: row["id"], version=self._version, build=self._build
        )

    def show(self, rows: Sequence[Row], *, now: datetime) -> None:
        """Show these needs, and how long they have been open at ``now``."""
        self._ages = {id_: age for id_, age in self._ages.items() if id_ in {row["id"] for row in rows}}
        self._now = now
        self._list.show(rows)
        for opened_at, element in self._ages.values():
            element.set_text(open_for(opened_at, now))

    def _build(self, row: Row) -> Element:
        title = self._console.words.need(row["product"], row["rule"], row["evidence"])
        with tag("li", classes=f"need {row['severity']}") as item:
            with tag("div", classes="what"):
                with tag("p", classes="head"):
                    tag("span", row["severity"], f"pill {row['severity']}")
                    tag("strong", title)
                    if self._with_device:
                        tag("a", row["device_name"], href=device_href(row["device_id"]))
                tag("p", row["reason"], "reason")
                self._details(row)
            with tag("div", classes="buttons"):
                self._buttons(row, title)
        return item

    def _details(self, row: Row) -> None:
        zone, now = self._who.zone, self._now
        with tag("p", classes="meta"):
            self._ages[row["id"]] = (row["opened_at"], tag("span", open_for(row["opened_at"], now), "age"))
            with tag("span", "since "):
                moment(row["opened_at"], zone=zone, now=now)
            tag("span", row["kind"])
            if row.get("rule_version"):
                tag("span", f"rule {row['rule']}, version {row['rule_version']}")
            if row["strategy"]:
                tag("span", row["strategy"])
            if self._with_device:
                tag("span", row["customer_name"])
            if shared := _shared(row):
                tag("span", shared)
            if row.get("parent_device_id"):
                with tag("span", "part of the need of "):
                    tag("a", row["parent_device_name"], href=device_href(row["parent_device_id"]))
            if row["acknowledged_at"]:
                tag("span", f"acknowledged by {row['acknowledged_by']}", "done")
            if self._snoozed(row):
                with tag("span", "snoozed until ", "done"):
                    moment(row["snoozed_until"], zone=zone, now=now)

    def _buttons(self, row: Row, title: str) -> None:
        console, who, need_id = self._console, self._who, row["id"]
        if not row["acknowledged_at"]:
            tag("button", "Acknowledge", type="button").on("click", lambda: actions.acknowledge(console, who, need_id))
        tag("button", "Snooze…", "quiet", type="button").on(
            "click", lambda: actions.ask_snooze(console, who, need_id, title)
        )
        tag("button", "Withdraw…", "quiet", type="button").on(
            "click", lambda: actions.ask_withdraw(console, who, need_id, title)
        )

    def _snoozed(self, row: Row) -> bool:
        return row["snoozed_until"] is not None and row["snoozed_until"] > self._now

    def _version(self, row: Row) -> Hashable:
        """What is shown of a need, its age apart."""
        return (
            row["acknowledged_at"],
            row["snoozed_until"],
            self._snoozed(row),
            row["strategy"],
            row["severity"],
            row["reason"],
            _shared(row),
        )


def _shared(row: Row) -> str:
    """Return with how many other devices of the site a need is shared now; empty for none."""
    others = row.get("children") or 0
    if not others:
        return ""
    devices = "1 other device" if others == 1 else f"{others} other devices"
    return f"{'over here, still open on' if row['cleared_at'] else 'also on'} {devices} of this site"
