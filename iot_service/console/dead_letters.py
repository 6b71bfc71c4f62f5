"""The page of what came in and nobody understood: why, on which topic, and what it said."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from nicegui import ui

from iot_service.console import store
from iot_service.console.elements import moment, tag
from iot_service.console.happenings import device_href
from iot_service.console.shell import PREFIX, Console, Visit, content, frame, visit
from iot_service.console.store import Row
from iot_service.console.words import count

_HERE = f"{PREFIX}/dead-letters"
_SIZE = 40
_SHOWN = 600
Before = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


def readable(payload: bytes, size: int) -> str:
    """Return a payload as text: bytes and control characters that cannot be shown stand as escapes.

    ``size`` is that of the whole payload in bytes; what is cut off is told.
    """
    text = payload.decode("utf-8", errors="backslashreplace")
    shown = "".join(sign if sign.isprintable() or sign == "\n" else f"\\u{ord(sign):04x}" for sign in text)
    return shown if size <= len(payload) else f"{shown}… ({size - len(payload)} bytes more)"


def register(console: Console) -> None:
    """Register the page."""

    @ui.page("/dead-letters", dependencies=[Depends(visit)], response_timeout=40)
    async def dead_letters(request: Request, reason: str = "", before: Before = None) -> None:
        who = visit(request)
        await console.feed.watch(ui.context.client)
        reason = reason.replace("\0", "")
        reasons, rows = await console.feed.read(
            lambda connection: (
                store.dead_letter_reasons(connection),
                store.dead_letters(connection, reason=reason, before=before, limit=_SIZE, shown=_SHOWN),
            )
        )
        frame(console, who, title="Dead letters", here=_HERE)
        with content():
            tag("h1", "Dead letters")
            tag("p", "Messages that came in and were not understood. Nothing is dropped in silence.", "hint")
            _reasons(reasons, reason)
            if not rows:
                tag("p", "None here.", "empty")
            with tag("ol", classes="letters"):
                for row in rows:
                    _letter(row, who)
            with tag("nav", classes="pages", aria_label="Pages of the list"):
                if before is not None:
                    tag("a", "← Newest", href=_href(reason))
                if len(rows) == _SIZE:
                    tag("a", "Older →", href=_href(reason, before=rows[-1]["id"]), rel="next")


def _href(reason: str, **more: int) -> str:
    query = urlencode({**({"reason": reason} if reason else {}), **more})
    return f"{_HERE}?{query}" if query else _HERE


def _reasons(reasons: list[Row], chosen: str) -> None:
    with tag("nav", classes="tabs", aria_label="Reasons"):
        for name in ["", *(row["reason"] for row in reasons)]:
            of_it = [row for row in reasons if name in {"", row["reason"]}]
            kept, dropped = sum(row["kept"] for row in of_it), sum(row["dropped"] for row in of_it)
            with tag("a", href=_href(name)) as link:
                tag("span", name.replace("_", " ") or "all")
                tag("span", count(kept), "number")
                if dropped:
                    tag("span", f"and {count(dropped)} counted only", "meta")
            if name == chosen:
                link.props["aria-current"] = "true"


def _letter(row: Row, who: Visit) -> None:
    with tag("li", classes="letter"):
        with tag("p", classes="head"):
            moment(row["received_at"], zone=who.zone, now=who.now)
            tag("span", row["reason"].replace("_", " "), "pill warn")
            if row["device_name"]:
                tag("a", row["device_name"], href=device_href(row["device_id"]))
            tag("code", row["topic"])
        tag("p", row["detail"], "reason")
        tag("pre", readable(bytes(row["payload"]), row["size"]), "payload", tabindex="0")
