from __future__ import annotations

import io

import pytest
from rich.console import Console

from iot_service.live.model import LiveModel, plain_lines
from iot_service.live.render import number, render, sparkline
from tests.factories import NOW
from tests.live.rows import WORDS, delivery, device, event, poll


def full_model() -> LiveModel:
    model = LiveModel(WORDS, url="http://127.0.0.1:8000/console", speed=60, login="demo@example.com x8Jk2-pL0q4")
    devices = (
        device(severity="critical"),
        device(id="freezer-2", name="Ny fryser", service_state="commissioning", online=None),
        device(id="car", name="Bil", product="car", metric=None, stamps=None, readings=None),
    )
    model.apply(poll(events=(event(),), deliveries=(delivery(),), devices=devices), elapsed=6.08)
    return model


def drawn(model: LiveModel, width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    console = Console(width=width, height=height, record=True, force_terminal=True, file=io.StringIO())
    console.print(render(model, now=NOW, elapsed=83, width=width, height=height, ascii_only=ascii_only))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 35), (160, 50)])
def test_the_view_fills_the_terminal_and_nothing_runs_over(width: int, height: int) -> None:
    lines = drawn(full_model(), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50)])
def test_the_view_shows_address_clock_devices_story_and_counters(width: int, height: int) -> None:
    text = "\n".join(drawn(full_model(), width, height))
    for piece in (
        "http://127.0.0.1:8000/console",
        "0:01:23",
        "demo@example.com x8",
        "12:00:00 UTC ×60",
        "-55 °C",
        "Ny fryser",
        "Temperature",
        "critical",
        "SMS: A",
        "1234k readings",
        "3 needs",
        "6 sent",
        "0 failed",
    ):
        assert piece in text


def test_a_wide_view_says_service_states_in_words() -> None:
    text = "\n".join(drawn(full_model(), 160, 50))
    assert "commissioning" in text
    assert "no reading" in text


def test_a_terminal_without_unicode_gets_plain_signs_inside_the_view() -> None:
    model = full_model()
    model.devices = ()
    text = "\n".join(drawn(model, 100, 30, ascii_only=True))
    assert not set("▲►■●○▁█…") & set(text)


def test_more_devices_than_lines_are_counted() -> None:
    model = full_model()
    model.devices = model.devices * 20
    assert "and 44 more" in "\n".join(drawn(model, 80, 24))


def test_before_the_first_poll_the_view_says_that_it_waits() -> None:
    assert "waiting for the first readings" in "\n".join(drawn(LiveModel(WORDS, url="http://x"), 80, 24))


def test_the_first_need_is_timed_once() -> None:
    model = full_model()
    model.apply(poll(events=(event(id=2),)), elapsed=30.0)
    assert model.seconds_to_first_need == 6.1


def test_plain_lines_say_one_thing_a_line_without_control_codes() -> None:
    model = LiveModel(WORDS, url="http://x")
    lines = plain_lines(model.apply(poll(events=(event(need_reason="warm\x1b[31m\nvery"),)), elapsed=1.0))
    assert lines == [
        "2026-11-21 12:00:00 measured Vaksinefryser: warm [31m very",
        "2026-11-21 12:00:00 detected Vaksinefryser: Temperature high (critical fault)",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], ""), ([3.0, 3.0], "▁▁"), ([0.0, 7.0], "▁█"), ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█")],
)
def test_a_sparkline_goes_from_lowest_to_highest(values: list[float], expected: str) -> None:
    assert sparkline(values) == expected


@pytest.mark.parametrize(("value", "expected"), [(-55.04, "-55.0"), (3.0, "3"), (12345.6, "12 346")])
def test_numbers_are_as_short_as_they_stay_telling(value: float, expected: str) -> None:
    assert number(value) == expected
