"""Drawing the live view with rich: pure, from 80×24 upwards."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from iot_service.live.model import DeviceLine, LiveModel
from iot_service.live.stories import Step, Story

_SEVERITY = {"critical": "bold red", "high": "red", "normal": "yellow", "low": "cyan"}
_STATE = {"in_service": "green", "commissioning": "yellow", "out_of_service": "bright_black", "retired": "bright_black"}
_STEP = {Step.MEASURED: "cyan", Step.DETECTED: "yellow", Step.DECIDED: "magenta", Step.SENT: "green"}
_BORDER = "bright_black"


@dataclass(frozen=True, slots=True)
class _Signs:
    """The signs a terminal can show; every plain font has those of the first set, any terminal those of the second."""

    bars: str
    steps: dict[Step, str]
    on: str
    off: str
    need: str
    ellipsis: str


_PLAIN = _Signs(
    "▁▂▃▄▅▆▇█", {Step.MEASURED: "•", Step.DETECTED: "▲", Step.DECIDED: "►", Step.SENT: "■"}, "●", "○", "▲", "…"
)
_ASCII = _Signs(
    "_.-=*#", {Step.MEASURED: ".", Step.DETECTED: "!", Step.DECIDED: ">", Step.SENT: "="}, "*", "o", "!", "~"
)


def render(
    model: LiveModel, *, now: datetime, elapsed: float, width: int, height: int, ascii_only: bool = False
) -> RenderableType:
    """Draw ``model`` for a terminal of ``width`` × ``height`` cells.

    ``now`` is the service's clock (UTC), ``elapsed`` the seconds of life since the start. ``ascii_only`` is for
    terminals whose encoding knows nothing else.
    """
    signs = _ASCII if ascii_only else _PLAIN
    left = min(64, max(36, width * 2 // 5))
    top, bottom = 2, 3
    inner = height - top - bottom - 2
    layout = Layout()
    layout.split_column(
        Layout(_header(model, now, elapsed, width), size=top, name="header"),
        Layout(name="body"),
        Layout(_footer(model, width), size=bottom, name="footer"),
    )
    layout["body"].split_row(
        Layout(_devices(model.devices, left - 4, inner, signs), size=left, name="devices"),
        Layout(_feed(model.stories, width - left - 4, inner, signs), name="feed"),
    )
    return layout


def _header(model: LiveModel, now: datetime, elapsed: float, width: int) -> RenderableType:
    speed = f" ×{model.speed:g}" if model.speed != 1 else ""
    flow = Text()
    for step in Step:
        flow.append(" →" if flow else "", style=_BORDER).append(f" {step.value}", style=_STEP[step])
    clock = f"{now.astimezone(UTC):%a %d %b %Y %H:%M:%S} UTC" if width >= 100 else f"{now.astimezone(UTC):%H:%M:%S} UTC"
    title = Text(f" {model.product} ", style="bold white on blue")
    running = str(timedelta(seconds=int(elapsed)))
    time = Text.assemble(("clock ", _BORDER), clock, (speed, "bold yellow"), " ")
    if width < 110:
        address = Text.assemble(" ", (model.url, "bold"), "  ", model.login)
        return Group(_two_ends(Text.assemble(title, " ", flow), time), _two_ends(address, Text(f"{running} ")))
    login = (("  login ", _BORDER), model.login) if model.login else ()
    address = Text.assemble("  ", ("console ", _BORDER), (model.url, "bold"), *login)
    return Group(
        _two_ends(Text.assemble(title, address), Text.assemble(("elapsed ", _BORDER), running, " ")),
        _two_ends(flow, time),
    )


def _two_ends(left: Text, right: Text) -> RenderableType:
    table = Table.grid(expand=True)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return table


def _devices(devices: tuple[DeviceLine, ...], width: int, height: int, signs: _Signs) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    wide = width >= 40
    bars = max(5, min(24, width // 4)) if wide else 5
    table.add_column(width=bars, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    shown = devices[: height - 1] if len(devices) > height else devices
    for device in shown:
        table.add_row(
            _mark(device, signs),
            Text(device.name, style="default" if device.service_state == "in_service" else "bright_black"),
            Text(sparkline(device.trend[-bars:], signs.bars), style=_SEVERITY.get(device.severity or "", "cyan")),
            _value(device, in_words=wide),
        )
    more = len(devices) - len(shown)
    body = Group(table, Text(f"and {more} more", style="bright_black")) if more else table
    return Panel(body, title="devices", title_align="left", border_style=_BORDER)


def _mark(device: DeviceLine, signs: _Signs) -> Text:
    if device.severity is not None:
        return Text(signs.need, style=_SEVERITY[device.severity])
    return Text(
        signs.off if device.online is False or device.service_state != "in_service" else signs.on,
        style=_STATE.get(device.service_state, "default"),
    )


def _value(device: DeviceLine, *, in_words: bool) -> Text:
    if in_words and device.service_state != "in_service":
        return Text(device.service_state.replace("_", " "), style=_STATE.get(device.service_state, "default"))
    if device.value is None:
        return Text("no reading" if in_words else "-", style="bright_black")
    return Text.assemble((number(device.value), "bold"), (f" {device.unit}".rstrip(), "bright_black"))


def number(value: float) -> str:
    """Return ``value`` as short as it stays telling: one decimal below 1000, none above, none for whole numbers."""
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 or value == int(value) else f"{value:.1f}"


def sparkline(values: Iterable[float], bars: str = _PLAIN.bars) -> str:
    """Return one sign per value, from the lowest to the highest of them; a flat line stays low."""
    points = list(values)
    if not points:
        return ""
    low, span = min(points), max(points) - min(points)
    return "".join(bars[int((value - low) / span * (len(bars) - 1) + 0.5)] if span else bars[0] for value in points)


def _feed(stories: Iterable[Story], width: int, height: int, signs: _Signs) -> RenderableType:
    lines: list[Text] = []
    for story in reversed(list(stories)):
        lines[:0] = _lines(story, width, signs)
        if len(lines) >= height:
            break
    if not lines:
        lines = [Text("waiting for the first readings" + signs.ellipsis, style="bright_black")]
    return Panel(Group(*lines[-height:]), title="what happens", title_align="left", border_style=_BORDER)


def _lines(story: Story, width: int, signs: _Signs) -> list[Text]:
    """Lay one story out on at most two lines (three where it is narrow), hanging under its text."""
    wide = width >= 70
    style = "bold red" if story.grave else _STEP[story.step]
    step = f"{signs.steps[story.step]} {story.step.value:<8} " if wide else f"{signs.steps[story.step]} "
    head = f"{story.at.astimezone(UTC):%H:%M:%S} "
    indent = len(head) + len(step)
    wrapped = textwrap.wrap(
        f"{story.who}: {story.text}",
        max(10, width - indent),
        max_lines=2 if wide else 3,
        placeholder=f" {signs.ellipsis}",
    )
    first = Text.assemble((head, "bright_black"), (step, style), no_wrap=True, overflow="crop")
    body = Text(wrapped[0] if wrapped else "", style="bold red" if story.grave else "default")
    name = min(len(story.who), len(body))
    body.stylize("bold", 0, name)
    return [first.append_text(body), *(Text(" " * indent + line, style=body.style) for line in wrapped[1:])]


def _footer(model: LiveModel, width: int) -> RenderableType:
    totals = model.totals
    if not totals:
        return Panel(Text("starting", style="bright_black"), border_style=_BORDER)
    figures = [
        ("readings", totals["readings"], "cyan"),
        ("needs", totals["service"] + totals["fault"] + totals["refill"], "yellow"),
        *([("open", totals["open_needs"], "yellow")] if width >= 110 else []),
        ("appointments", totals["appointments"], "magenta"),
        ("jobs", totals["jobs"], "magenta"),
        ("orders", totals["orders"], "magenta"),
        ("sent", totals["sent"], "green"),
        ("failed", totals["failed"], "bold red" if totals["failed"] else "green"),
        ("dead letters", totals["kept"] + totals["dropped"], "default"),
    ]
    gap = "  " if width >= 110 else " "
    text = Text(no_wrap=True, overflow="crop")
    for label, value, style in figures:
        word = label if width >= 110 else {"appointments": "booked", "dead letters": "dead"}.get(label, label)
        text.append(f"{_short(value)} ", style=style).append(word + gap, style="bright_black")
    return Panel(text, border_style=_BORDER)


def _short(count: int) -> str:
    return f"{count // 1000}k" if count >= 100_000 else number(count)
