from __future__ import annotations

from iot_service.live.stories import Step, printable, stories
from tests.factories import NOW
from tests.live.rows import WORDS, delivery, event, poll


def test_an_opened_need_tells_what_was_measured_and_what_that_means() -> None:
    told = stories(poll(events=(event(),)), WORDS)
    assert [(story.step, story.text, story.grave) for story in told] == [
        (Step.MEASURED, "-55.0 °C for 10 min", False),
        (Step.DETECTED, "Temperature high (critical fault)", True),
    ]


def test_what_follows_from_a_need_is_told_as_decided() -> None:
    job = event(type="job.dispatched", reason="Kari is the nearest")
    engaged = event(type="need.engaged", new="automate", reason="automate: her mandate covers it")
    told = stories(poll(events=(engaged, job)), WORDS)
    assert [story.text for story in told] == [
        "Temperature high: automate: her mandate covers it",
        "job dispatched: Kari is the nearest",
    ]
    assert {story.step for story in told} == {Step.DECIDED}


def test_one_message_through_three_channels_is_one_line() -> None:
    rows = tuple(delivery(id=number, channel=channel) for number, channel in ((3, "email"), (2, "sms"), (1, "app")))
    (story,) = stories(poll(deliveries=rows), WORDS)
    assert (story.who, story.text) == ("Anna Berg", "app, SMS, e-mail: A technician is on the way")


def test_a_delivery_is_told_once() -> None:
    assert stories(poll(deliveries=(delivery(),)), WORDS, told=frozenset({1})) == []


def test_a_failed_delivery_says_why() -> None:
    (story,) = stories(poll(deliveries=(delivery(state="failed", error="no such number"),)), WORDS)
    assert (story.text, story.grave) == ("SMS failed: no such number", True)


def test_a_device_that_babbles_gets_one_line_a_poll() -> None:
    letter = {"at": NOW, "reason": "not_json", "device_name": "Kaffe", "detail": "", "topic": "t"}
    (story,) = stories(poll(dead_letters=(letter,) * 30), WORDS)
    assert story.text == "message not understood: not json (30 times)"


def test_control_codes_of_a_device_never_reach_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\x07\u202e") == "a [2Jb c"
    (measured, _) = stories(poll(events=(event(device_name="\x1b]0;x\x07Fryser"),)), WORDS)
    assert measured.who == "]0;x Fryser"
