"""Sparkplug's topics."""

from __future__ import annotations

import pytest

from iot_service.ingest.sparkplug.topics import NodeKey, SparkplugTopic, Verb, is_sparkplug, parse_topic

KEY = NodeKey("my plant", "edge-1")


@pytest.mark.parametrize(
    ("topic", "verb", "device"),
    [
        ("spBv1.0/my plant/NBIRTH/edge-1", Verb.NBIRTH, ""),
        ("spBv1.0/my plant/NDATA/edge-1", Verb.NDATA, ""),
        ("spBv1.0/my plant/NDEATH/edge-1", Verb.NDEATH, ""),
        ("spBv1.0/my plant/NCMD/edge-1", Verb.NCMD, ""),
        ("spBv1.0/my plant/DDATA/edge-1/pump", Verb.DDATA, "pump"),
        ("spBv1.0/my plant/DCMD/edge-1/pump", Verb.DCMD, "pump"),
    ],
)
def test_a_topic_names_the_node_and_the_device(topic: str, verb: Verb, device: str) -> None:
    assert parse_topic(topic) == SparkplugTopic(verb, KEY, device)


def test_the_state_of_a_host_is_of_no_node() -> None:
    found = parse_topic("spBv1.0/STATE/scada")
    assert found is not None
    assert found.verb is Verb.STATE


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0",
        "spBv1.0/a",
        "spBv1.0/a/NDATA",
        "spBv1.0/a/NDATA/",
        "spBv1.0//NDATA/b",
        "spBv1.0/a/NDATA/b/c",
        "spBv1.0/a/DDATA/b",
        "spBv1.0/a/DDATA/b/c/d",
        "spBv1.0/a/ndata/b",
        "spBv1.0/a/STATE/b/c/d",
        "spBv1.0/STATE/a/b",
        "spBv2.0/a/NDATA/b",
        "spBv1.0/a/NDATA/" + "b" * 257,
        "iot/v1/d/telemetry",
    ],
)
def test_every_other_topic_is_none_of_it(topic: str) -> None:
    assert parse_topic(topic) is None


def test_devices_are_registered_under_the_path_from_the_group_down() -> None:
    assert KEY.address() == "my plant/edge-1"
    assert KEY.address("pump") == "my plant/edge-1/pump"


def test_what_is_in_the_namespace_is_sparkplugs() -> None:
    assert is_sparkplug("spBv1.0/rubbish")
    assert not is_sparkplug("iot/v1/spBv1.0/telemetry")
