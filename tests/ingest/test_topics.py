"""Topics."""

from __future__ import annotations

import pytest

from iot_service.ingest.topics import SUBSCRIPTION, Topic, TopicKind, device_topic, marker_topic, parse_topic


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("iot/v1/freezer-1/telemetry", TopicKind.TELEMETRY),
        ("iot/v1/freezer-1/event", TopicKind.EVENT),
        ("iot/v1/freezer-1/status", TopicKind.STATUS),
        ("iot/v1/freezer-1/command/ack", TopicKind.COMMAND_ACK),
    ],
)
def test_a_topic_of_the_contract_names_its_kind_and_device(topic: str, kind: TopicKind) -> None:
    assert parse_topic(topic) == Topic(kind, "freezer-1")
    assert device_topic("freezer-1", kind) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "iot/v1",
        "iot/v1/freezer-1",
        "iot/v1//telemetry",
        "iot/v2/freezer-1/telemetry",
        "IOT/v1/freezer-1/telemetry",
        "/iot/v1/freezer-1/telemetry",
        "iot/v1/freezer-1/telemetry/",
        "iot/v1/freezer-1/telemetry/more",
        "iot/v1/freezer-1/command/ack/1",
        "iot/v1/$ingest",
        "iot/v1/$ingest/1/2",
        "iot/v1/$ingest/",
    ],
)
def test_any_other_topic_is_not_understood(topic: str) -> None:
    assert parse_topic(topic) is None


@pytest.mark.parametrize("slot", ["1", "status", "telemetry"])
def test_a_marker_is_never_taken_for_a_device_whatever_its_slot_is_called(slot: str) -> None:
    assert parse_topic(marker_topic(slot)) == Topic(TopicKind.MARKER, slot)


def test_the_subscription_catches_topics_that_nobody_has_agreed_on_too() -> None:
    assert SUBSCRIPTION == "iot/v1/+/#"
    assert parse_topic("iot/v1/freezer-1/telemetri") is None
