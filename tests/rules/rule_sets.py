"""Made-up rules over all notions, and made-up telemetry for them: what hypothesis draws its examples from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from iot_service.model.reading import Sample, SampleKind
from iot_service.products.model import Metric, ProductModel, ReportedText, Text
from iot_service.products.places import Circle, Position
from iot_service.products.rule_spec import RuleSpec
from iot_service.products.service_plan import ServicePlan
from iot_service.rules.areas import Area
from iot_service.rules.compiled import CompiledProduct, compile_product
from iot_service.rules.context import DeviceContext
from iot_service.rules.instants import FactChange

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # a Friday; the clocks of Oslo show an hour more
OSLO = DeviceContext(
    zone=ZoneInfo("Europe/Oslo"), country="NO", areas={"hills": (Area(60.8, 8.5, 20_000),)}, location=True
)
PRODUCT = "kiosk"
MODEL = ProductModel(
    id=PRODUCT,
    name=Text(nb="Kiosk", en="Kiosk"),
    metrics={
        "temperature": Metric(unit="°C", max_age=timedelta(minutes=15)),
        "power": Metric(unit="1"),
        "door": Metric(unit="1", max_age=timedelta(minutes=4)),
        "cups": Metric(unit="1", counter=True),
        "latitude": Metric(unit="deg"),
        "longitude": Metric(unit="deg"),
    },
    attributes={"mode": ReportedText(), "codes": ReportedText()},
    events=("alarm", "reset"),
    parameters={"limit": 5.0},
    plans={"clean": ServicePlan(every={"cups": 40, "months": 1})},
    position=Position(latitude="latitude", longitude="longitude"),
    areas={"hills": (Circle(latitude=60.8, longitude=8.5, radius=20_000),)},
    in_service_when="temperature < 6",
    in_service_for=timedelta(minutes=2),
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
FEW = ("30s", "1m", "150s", "10m", "2h")
SPANS = ("1m", "7m", "1h", "1d")
_TIMES = ("0s", "0s", *FEW)


@dataclass
class Made:
    """One condition, with the named values that it reads; ``momentary`` where it holds for an instant only."""

    source: str
    let: dict[str, str]
    momentary: bool = False


def _number(draw: Draw) -> Made:
    name, levels = draw(
        st.sampled_from([("temperature", (0, 5, 9)), ("power", (0.5,)), ("door", (0.5,)), ("cups", (40,))])
    )
    operator = draw(st.sampled_from(["<", ">", ">=", "=="]))
    return Made(f"{name} {operator} {draw(st.sampled_from(levels))}", {})


def _text(draw: Draw) -> Made:
    sources = [
        "mode == 'eco'", "mode != 'off'", "codes.exists(code, code.startsWith('P'))", "size(codes) > 1",
        "codes[1] == 'P2'",
        "known(mode) && mode == 'eco'", "!known(door) || door > 0.5", "temperature > limit + 2", "1 / power > 0.5",
        "cups / (power - 1) > 3", "known(temperature)",
    ]  # fmt: skip
    return Made(draw(st.sampled_from(sources)), {})


def _moment(draw: Draw) -> Made:
    sources = [
        "'alarm' in events", "'reset' in events", "changed(mode)", "changed(power) && power > 0.5",
        "changed(temperature) && temperature > previous(temperature)", "changed(codes)",
    ]  # fmt: skip
    return Made(draw(st.sampled_from(sources)), {}, momentary=True)


def _before(draw: Draw) -> Made:
    sources = ["previous(mode) == 'eco'", "known(mode) && previous(mode) == 'off'", "previous(power) > power"]
    return Made(draw(st.sampled_from(sources)), {})


def _window(draw: Draw) -> Made:
    function = draw(
        st.sampled_from(
            ["avg", "min", "max", "sum", "count", "delta", "increase", "rate", "slope", "stddev", "median", "first",
             "last", "changes", "percentile"]
        )
    )  # fmt: skip
    metric = draw(st.sampled_from(["temperature", "power", "cups", "door"]))
    more = {"rate": ", 1h", "slope": ", 1h", "percentile": ", 90"}.get(function, "")
    operator = draw(st.sampled_from(["<", ">"]))
    name = f"w{draw(st.integers(0, 3))}"
    source = f"{function}({metric}, {draw(st.sampled_from(SPANS))}{more})"
    return Made(f"{name} {operator} {draw(st.sampled_from([0.4, 1.5, 3, 6]))}", {name: source})


def _held(draw: Draw) -> Made:
    condition = draw(st.one_of(st.just(_number), st.just(_text), st.just(_before)))(draw).source
    if draw(st.booleans()):
        return Made(f"held > {draw(st.sampled_from([0, 3, 20]))}", {"held": f"total_time({condition}, 1m)"})
    span = draw(st.sampled_from(SPANS))
    return Made(f"held > {draw(st.sampled_from([0, 0.2, 3]))}", {"held": f"time_true({condition}, {span}, 1m)"})


def _plain_let(draw: Draw) -> Made:
    window = _window(draw)
    (name,) = window.let
    part = draw(st.sampled_from([f"{name} + temperature", f"{name} / power", f"{name} * 2"]))
    return Made(f"part > {draw(st.sampled_from([1, 4, 12]))}", {**window.let, "part": part})


def _ahead(draw: Draw) -> Made:
    source = draw(
        st.sampled_from(
            [
                "demand_within(cups, 7d, 3, 0.9)", "used_up_in(cups, 7d, limit, 0.5)", "due_in(clean)",
                "due_share(clean)", "time_until(temperature, 7d, 30)", "time_until(temperature, 7d, 30, 0.1)",
            ]
        )
    )  # fmt: skip
    return Made(f"ahead > {draw(st.sampled_from([0, 1, 5]))}", {"ahead": source})


def _unusual(draw: Draw) -> Made:
    source = draw(st.sampled_from(["anomaly(temperature)", "anomaly(cups)"]))
    return Made(f"unusual > {draw(st.sampled_from([0, 0.3, 1]))}", {"unusual": source})


def _place(draw: Draw) -> Made:
    source = draw(
        st.sampled_from(
            [
                "inside(hills)", "distance_to(hills)", "visits(hills, 12w)", "weekend_visits(hills, 12w)",
                "days_between_weekends(hills, 12w)",
            ]
        )
    )  # fmt: skip
    return Made(f"place {draw(st.sampled_from(['<', '>']))} {draw(st.sampled_from([0.5, 1.5]))}", {"place": source})


CONDITIONS: list[Callable[[Draw], Made]] = [
    _number, _number, _text, _moment, _before, _window, _window, _held, _plain_let, _ahead, _place, _unusual,
]  # fmt: skip
"""What a condition may be; a new notion that is one is added here."""


def condition(draw: Draw) -> Made:
    """Draw one condition, or two put together."""
    first: Made = draw(st.sampled_from(CONDITIONS))(draw)
    if not draw(st.integers(0, 2)):
        second = draw(st.sampled_from(CONDITIONS))(draw)
        if not set(first.let) & set(second.let):
            operator = draw(st.sampled_from(["&&", "||"]))
            source = f"({first.source}) {operator} ({second.source})"
            return Made(source, {**first.let, **second.let}, first.momentary or second.momentary)
    return first


def _merged(*parts: Made) -> dict[str, str]:
    return {name: source for part in parts for name, source in part.let.items()}


def _without_clash(made: Made, others: Sequence[Made]) -> bool:
    known = _merged(*others)
    return all(known.get(name, source) == source for name, source in made.let.items())


def _closing(draw: Draw, when: Made) -> tuple[dict[str, Any], list[Made]]:
    """Draw how a need ends."""
    how = draw(st.sampled_from(["at once", "keep_for", "clear"]))
    if how == "clear":
        clear = condition(draw)
        if _without_clash(clear, [when]):
            return {"clear": clear.source, "clear_for": draw(st.sampled_from(_TIMES))}, [clear]
    if how == "keep_for" or when.momentary:
        return {"keep_for": draw(st.sampled_from(FEW))}, []
    return {}, []


def _levels(draw: Draw, made: list[Made]) -> list[dict[str, Any]]:
    """Draw some levels; the conditions that they bring are added to ``made``."""
    levels: list[dict[str, Any]] = []
    for severity in draw(st.sampled_from([["high"], ["critical"], ["high", "critical"]])):
        own = condition(draw)
        if draw(st.booleans()) or not _without_clash(own, made):
            momentary = made[0].momentary
            level = {"keep_for": draw(st.sampled_from(FEW if momentary else _TIMES))}
        else:
            made.append(own)
            level = {"when": own.source, "keep_for": draw(st.sampled_from(FEW if own.momentary else _TIMES))}
        levels.append({"severity": severity, "for": draw(st.sampled_from(_TIMES)), **level})
    return levels


SCHEDULES: list[dict[str, Any]] = [
    {"during": {"hours": "16:00-18:00"}},
    {"outside": {"hours": "22:00-06:00"}},
    {"during": {"days": "mon-fri", "hours": "07:00-16:10"}},
    {"outside": [{"days": ["sat", "sun"]}, {"hours": "15:45-15:50"}]},
]


@st.composite
def rule_sets(draw: Draw) -> list[RuleSpec]:
    """One to five rules."""
    return [RuleSpec.model_validate(_rule(draw, number)) for number in range(draw(st.integers(1, 5)))]


def _rule(draw: Draw, number: int) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": f"rule{number}", "kind": "fault", "severity": "normal", "title": {"nb": "Galt", "en": "Wrong"},
        "in_maintenance": draw(st.sampled_from(["mute", "mute", "judge"])),
    }  # fmt: skip
    if draw(st.integers(0, 5)) == 0:
        absent = draw(st.sampled_from([[], ["temperature"], ["door", "power"]]))
        rule |= {"absent_for": draw(st.sampled_from(FEW)), "absent": absent}
        rule |= {"keep_for": draw(st.sampled_from(_TIMES))}
    else:
        when = condition(draw)
        ends, made = _closing(draw, when)
        made.insert(0, when)
        rule |= {"when": when.source, "for": draw(st.sampled_from(_TIMES)), **ends}
        if draw(st.integers(0, 3)) == 0:
            rule["repeat"] = draw(st.sampled_from(["2 times within 30m", "3 times within 2h"]))
        if draw(st.integers(0, 3)) == 0:
            rule["levels"] = _levels(draw, made)
        rule["let"] = _merged(*made)
    if draw(st.integers(0, 4)) == 0:
        rule |= draw(st.sampled_from(SCHEDULES))
    if number and draw(st.integers(0, 3)) == 0:
        rule["inhibits"] = [f"rule{draw(st.integers(0, number - 1))}"]
    if draw(st.integers(0, 5)) == 0:
        rule["while"] = ["commissioning", "in_service"]
    return rule


def compiled(specs: Sequence[RuleSpec]) -> CompiledProduct:
    """Return the product with ``specs``, all of which are right."""
    product, problems = compile_product(MODEL, specs)
    assert problems == []
    return product


@dataclass(frozen=True)
class Message:
    """What a device says at one instant, with what else changes then."""

    samples: tuple[Sample, ...]
    changes: tuple[FactChange, ...] = ()


_SAID = [("temperature",), ("temperature", "power"), ("power", "door"), ("cups",), ("latitude", "longitude"), ()]
_VALUES = {
    "temperature": [-3.3, 1.0, 5.0, 7.1, 12.7],
    "power": [0.0, 1.0],
    "door": [0.0, 1.0],
    "latitude": [60.8, 60.9, 59.9],
    "longitude": [8.5, 10.7],
}
_GAPS = [0.2, 1, 30, 60, 60, 60, 60, 240, 600, 1200, 7200, 40_000, 100_000, 300_000]


@st.composite
def telemetry(draw: Draw, *, facts: bool = True, most: int = 50) -> list[Message]:
    """Messages in order of time, each at its own instant: readings, attributes, events, and changes of facts."""
    at, cups, messages = START, 30.0, []
    for _ in range(draw(st.integers(1, most))):
        at += timedelta(seconds=draw(st.sampled_from(_GAPS)))
        samples, changes = [], []
        for name in draw(st.sampled_from(_SAID)):
            if name == "cups":
                cups = draw(st.sampled_from([cups, cups + 1, cups + 3, 2.0]))
                samples.append(Sample(SampleKind.READING, name, at, at, cups))
            else:
                samples.append(Sample(SampleKind.READING, name, at, at, draw(st.sampled_from(_VALUES[name]))))
        other = draw(st.integers(0, 11))
        if other == 0:
            samples.append(Sample(SampleKind.ATTRIBUTE, "mode", at, at, draw(st.sampled_from(["eco", "off"]))))
        elif other == 1:
            codes = draw(st.sampled_from([(), ("P1",), ("P1", "P2"), ("B0",)]))
            samples.append(Sample(SampleKind.ATTRIBUTE, "codes", at, at, codes))
        elif other == 2:
            samples.append(Sample(SampleKind.EVENT, draw(st.sampled_from(["alarm", "reset"])), at, at, "{}"))
        elif other == 3 and facts:
            name, value = draw(
                st.sampled_from([("limit", 3.0), ("limit", 8.0), ("maintenance", 1.0), ("maintenance", 0.0)])
            )
            changes.append(FactChange(at, name, value))
        messages.append(Message(tuple(samples), tuple(changes)))
    return messages
