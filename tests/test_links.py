"""A link is bound to one person, one purpose and one thing, and it expires."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.errors import NotFoundError
from iot_service.links import Link, LinkPurpose, Links, Person
from tests.factories import NOW

LINKS = Links("k" * 40, "https://service.example.com/")
LINK = Link(Person.CUSTOMER, "anna", LinkPurpose.ORDER, 17, NOW + timedelta(days=1))


def test_a_link_says_whose_it_is_and_what_for() -> None:
    assert LINKS.read(LINKS.token(LINK), now=NOW) == LINK
    assert LINKS.url(LINK).startswith("https://service.example.com/l/")


def test_an_expired_link_opens_nothing() -> None:
    with pytest.raises(NotFoundError, match="expired"):
        LINKS.read(LINKS.token(LINK), now=NOW + timedelta(days=2))


@pytest.mark.parametrize("change", ["x", ".", "é"])
def test_an_altered_link_opens_nothing(change: str) -> None:
    with pytest.raises(NotFoundError, match="not valid"):
        LINKS.read(change + LINKS.token(LINK), now=NOW)


def test_a_link_signed_with_another_key_opens_nothing() -> None:
    with pytest.raises(NotFoundError):
        Links("z" * 40, "https://service.example.com").read(LINKS.token(LINK), now=NOW)


def test_a_link_is_short_enough_for_an_sms() -> None:
    assert len(LINKS.url(LINK)) < 120
