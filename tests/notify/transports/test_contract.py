from __future__ import annotations

import pytest

from iot_service.errors import DropError, RetryError
from iot_service.notify.message import Channel, Text
from tests.notify.transports.harness import Harness, outgoing


def test_a_message_arrives_with_its_norwegian_letters(harness: Harness) -> None:
    message = outgoing(
        harness.channel, text=Text("Æ", "Blåbær på Ål, ØL 20 kr @ 100 %", "Blåbær på Ål, ØL 20 kr @ 100 %")
    )
    assert isinstance(harness.transport.send(message), str)
    assert [text.strip() for text in harness.arrived(message.address)] == ["Blåbær på Ål, ØL 20 kr @ 100 %"]


def test_what_may_succeed_later_is_to_be_tried_again(harness: Harness) -> None:
    with pytest.raises(RetryError):
        harness.unreachable.send(outgoing(harness.channel))


def test_an_address_that_cannot_be_one_is_refused_for_good(harness: Harness) -> None:
    with pytest.raises(DropError):
        harness.transport.send(outgoing(harness.channel, address="@@"))


def test_the_same_delivery_sent_again_has_the_same_id(harness: Harness) -> None:
    message = outgoing(harness.channel)
    first = harness.transport.send(message)
    again = harness.transport.send(message)
    assert first == again or harness.channel is Channel.SMS  # Kannel numbers what it gets
