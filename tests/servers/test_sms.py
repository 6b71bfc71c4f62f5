"""What fakesmsc prints becomes the text that a person would read."""

from __future__ import annotations

from tests.servers.sms import Sms, parse_fakesmsc


def _printed(*bodies: str) -> str:
    return "\n".join(
        f"2026-01-01 12:00:00 [1] [0] DEBUG: Got message {n}: <{body}>" for n, body in enumerate(bodies, 1)
    )


def test_plain_text_may_have_several_lines() -> None:
    output = _printed("IOT +4791 text Kjøl æøå 100 %", "og en linje til", "IOT +4792 text to")
    assert parse_fakesmsc(output) == [Sms("IOT", "+4791", "Kjøl æøå 100 %\nog en linje til"), Sms("IOT", "+4792", "to")]


def test_ucs_2_is_decoded() -> None:
    assert parse_fakesmsc(_printed("IOT +4791 ucs-2 %00%E6O%60")) == [Sms("IOT", "+4791", "æ你")]


def test_parts_are_put_together_in_their_order_and_at_the_place_of_the_first() -> None:
    output = _printed(
        "IOT +4791 udh %05%00%03%07%02%02 data +verden",
        "IOT +4792 text midt i",
        "IOT +4791 udh %05%00%03%07%02%01 data Hei",
    )
    assert parse_fakesmsc(output) == [Sms("IOT", "+4791", "Hei verden"), Sms("IOT", "+4792", "midt i")]


def test_a_long_message_with_a_missing_part_is_not_there_yet() -> None:
    assert parse_fakesmsc(_printed("IOT +4791 udh %05%00%03%07%02%01 data Hei")) == []
