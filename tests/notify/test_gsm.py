from __future__ import annotations

import pytest

from iot_service.notify import gsm


@pytest.mark.parametrize("text", ["Blåbærsyltetøy på Ål 1!", "https://example.com/l/a_b-c.d?x=1&y", "12 € [ca.]", ""])
def test_norwegian_and_links_are_in_the_alphabet(text: str) -> None:
    assert gsm.is_gsm(text)


@pytest.mark.parametrize("text", ["Čačak", "10 °C", "🙂", "a\u00a0b"])
def test_other_letters_and_signs_are_not(text: str) -> None:
    assert not gsm.is_gsm(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("č" * 70, 1), ("č" * 71, 2), ("č" * 134, 2), ("č" * 135, 3), ("🙂" * 35, 1), ("🙂" * 36, 2),
    ],
)  # fmt: skip
def test_a_text_takes_as_many_parts_as_the_network_makes_of_it(text: str, count: int) -> None:
    assert gsm.parts(text) == count


def test_typographic_signs_give_way_to_their_like() -> None:
    assert gsm.plain("«Ja» – 4\u00a0990 kr…") == '"Ja" - 4 990 kr...'
    assert gsm.plain("Čačak") == "Čačak"
