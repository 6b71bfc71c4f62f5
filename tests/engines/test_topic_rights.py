from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.engines.topic_rights import DEVICE_RIGHTS, SERVICE_RIGHTS, covers, filter_problem

MINE = DEVICE_RIGHTS.of("freezer-1")


@pytest.mark.parametrize(
    ("granted", "wanted", "yes"),
    [
        ("a/b", "a/b", True), ("a/b", "a/c", False), ("a/b", "a", False), ("a", "a/b", False),
        ("a/+", "a/b", True), ("a/+", "a/+", True), ("a/+", "a/#", False), ("a/+", "a/b/c", False),
        ("a/b", "a/+", False),
        ("a/#", "a", True), ("a/#", "a/b/c", True), ("a/#", "a/+/c", True), ("a/#", "a/#", True), ("a/#", "#", False),
        ("#", "a/b", True), ("#", "#", True), ("#", "$SYS/x", False), ("+/x", "$SYS/x", False), ("#", "", False),
        ("+/+", "a/b", True), ("+", "#", False), ("a/+/c", "a/b/c", True), ("a/+/c", "a/b/d", False),
    ],
)  # fmt: skip
def test_a_filter_covers_another_when_it_matches_all_that_the_other_one_does(
    granted: str, wanted: str, yes: bool
) -> None:
    assert covers(granted, wanted) is yes


LEVEL = st.sampled_from(["a", "b", "+"])
FILTER = st.builds(lambda levels, end: "/".join(levels + end), st.lists(LEVEL, min_size=1, max_size=4),
                   st.sampled_from([[], ["#"]]))  # fmt: skip


def matches(pattern: str, topic: str) -> bool:
    expression = re.escape(pattern).replace(r"\+", "[^/]+").replace(r"/\#", "(/.*)?").replace(r"\#", ".*")
    return re.fullmatch(expression, topic) is not None


@given(FILTER, FILTER, st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), max_size=20))
def test_what_a_covered_filter_matches_the_covering_one_matches(
    granted: str, wanted: str, topics: list[list[str]]
) -> None:
    if covers(granted, wanted):
        for levels in topics:
            topic = "/".join(levels)
            assert matches(granted, topic) or not matches(wanted, topic), (granted, wanted, topic)


@pytest.mark.parametrize("name", ["telemetry", "event", "status", "command/ack"])
def test_a_device_publishes_under_its_own_topics(name: str) -> None:
    assert MINE.may_publish(f"iot/v1/freezer-1/{name}")
    assert not MINE.may_publish(f"iot/v1/freezer-2/{name}")
    assert not MINE.may_receive(f"iot/v1/freezer-1/{name}")


@pytest.mark.parametrize(
    "topic",
    ["iot/v1/freezer-1/command", "iot/v1/+/telemetry", "iot/v1/freezer-1/#", "#", "$SYS/x", "", "iot/v1//event"],
)
def test_a_device_publishes_nowhere_else(topic: str) -> None:
    assert not MINE.may_publish(topic)


@pytest.mark.parametrize(
    ("topic", "yes"),
    [
        ("iot/v1/freezer-1/command", True), ("$share/group/iot/v1/freezer-1/command", True), ("#", False),
        ("iot/v1/freezer-1/#", False), ("iot/v1/+/command", False), ("$SYS/#", False), ("$share/group/#", False),
        ("$share/group", False), ("iot/v1/freezer-2/command", False),
    ],
)  # fmt: skip
def test_a_device_listens_to_its_commands_only(topic: str, yes: bool) -> None:
    assert MINE.may_subscribe(topic) is yes


def test_the_service_hears_everything_but_the_brokers_own_topics() -> None:
    assert SERVICE_RIGHTS.may_subscribe("$share/ingest/iot/v1/+/telemetry")
    assert SERVICE_RIGHTS.may_subscribe("spBv1.0/#")
    assert not SERVICE_RIGHTS.may_subscribe("$SYS/#")
    assert SERVICE_RIGHTS.may_publish("iot/v1/freezer-1/command")
    assert SERVICE_RIGHTS.may_publish("iot/v1/$ingest/1")
    assert not SERVICE_RIGHTS.may_publish("iot/v1/freezer-1/telemetry")


@pytest.mark.parametrize("text", ["spBv1.0/plant/+/edge-1/#", "v1/gateway/#", "#", "two words/+", "a"])
def test_a_gateway_may_be_granted_any_filter(text: str) -> None:
    assert filter_problem(text) is None


@pytest.mark.parametrize(
    "text", ["", " a", "a\nuser iot-service", "a/#/b", "a#", "a+/b", "$SYS/#", "a/%u", "a/%c/b", "x" * 501, "a\0"]
)
def test_what_is_no_filter_or_stands_for_more_is_refused(text: str) -> None:
    assert filter_problem(text)
