"""MQTT topic filters; the cases are those of the MQTT 5 specification, 4.7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.ingest.formats.topicfilters import catches, covers, overlap


@pytest.mark.parametrize(
    ("topic_filter", "topic", "caught"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor", "$SYS/monitor", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("a/b", "a/B", False),
    ],
)
def test_a_filter_catches_topics(topic_filter: str, topic: str, caught: bool) -> None:
    assert catches(topic_filter, topic) is caught


@pytest.mark.parametrize(
    ("first", "second", "covering", "overlapping"),
    [
        ("a/+", "a/b", True, True),
        ("a/b", "a/+", False, True),
        ("a/#", "a/+/c", True, True),
        ("a/+/c", "a/#", False, True),
        ("a/+", "a/#", False, True),
        ("+/online", "zigbee/+", False, True),
        ("a/+", "b/+", False, False),
        ("a/+/c", "a/b/d", False, False),
        ("a/#", "a/#", True, True),
        ("#", "$SYS/#", False, False),
        ("$SYS/#", "#", False, False),
    ],
)
def test_filters_cover_and_overlap_each_other(first: str, second: str, covering: bool, overlapping: bool) -> None:
    assert covers(first, second) is covering
    assert overlap(first, second) is overlapping
    assert overlap(second, first) is overlapping


levels = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=3)
filters = st.tuples(levels, st.booleans()).map(lambda made: "/".join([*made[0], *(["#"] if made[1] else [])]))
topics = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join)


@given(filters, filters, topics)
def test_covering_and_overlapping_follow_from_the_topics_that_are_caught(first: str, second: str, topic: str) -> None:
    if catches(second, topic):
        assert catches(first, topic) or not covers(first, second)
        assert overlap(first, second) or not catches(first, topic)
