"""Which format a message is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.config import load_settings
from iot_service.errors import StopError
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.products.catalog import Catalog, load_catalog
from tests.ingest.examples import RECEIVED


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def router(catalog: Catalog, formats: str) -> Router:
    return Router(load_formats(load_settings(formats=formats), catalog))


def read(some: Router, topic: str, payload: bytes) -> list[Sent] | None:
    return some.read(Message(topic, payload, RECEIVED))


def test_nothing_is_switched_on_by_default(catalog: Catalog) -> None:
    some = router(catalog, "")
    assert some.subscriptions() == []
    assert read(some, "v1/gateway/connect", b"{}") is None


def test_formats_that_are_switched_on_say_what_to_subscribe_to(catalog: Catalog) -> None:
    assert router(catalog, "thingsboard, tasmota, sparkplug").subscriptions() == [
        "v1/gateway/#",
        "v1/devices/me/#",
        "tele/+/SENSOR",
        "tele/+/LWT",
    ]


def test_the_topic_decides(catalog: Catalog) -> None:
    some = router(catalog, "thingsboard,tasmota,shelly,zigbee2mqtt,home_connect")
    assert read(some, "v1/gateway/connect", b'{"device": "A"}') == [Sent("A", online=True)]
    assert read(some, "tele/f/LWT", b"Online") == [Sent("f", [], [], online=True)]
    assert read(some, "shelly1/online", b"true") == [Sent("shelly1", [], [], online=True)]
    assert read(some, "iot/v1/f/telemetry", b"{}") is None


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b" " * 300_000, "the payload has 300000 bytes; at most 262144: send several messages"),
        (
            b'{"A": [' + b",".join([b'{"a":1,"b":2,"c":3}'] * 4_000) + b"]}",
            "the message has 12000 values; at most 10000: send several messages",
        ),
    ],
)
def test_a_message_that_is_too_large_is_one_fault(catalog: Catalog, payload: bytes, words: str) -> None:
    found = read(router(catalog, "thingsboard"), "v1/gateway/telemetry", payload)
    assert found is not None
    assert [(fault.reason, fault.detail) for sent in found for fault in sent.faults] == [(Reason.TOO_LARGE, words)]


def test_a_format_that_does_not_exist_is_said_with_the_settings_name(catalog: Catalog) -> None:
    with pytest.raises(StopError, match="IOT_FORMATS: there is no format 'shely'; did you mean 'shelly'"):
        router(catalog, "shely")


def test_two_formats_cannot_have_the_same_topics(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nmessages:\n  - topic: v1/gateway/{device}\n    values: {t: {metric: temperature}}\n",
        encoding="utf-8",
    )
    formats = load_formats(load_settings(formats="thingsboard", sources_dir=tmp_path), catalog)
    with pytest.raises(
        StopError, match=r"thingsboard and mine ask for the same topics: v1/gateway/# and v1/gateway/\+"
    ):
        Router(formats)


def test_no_format_has_the_services_own_topics(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        'name: mine\nmessages:\n  - topic: "{device}/v1/x"\n    values: {t: {metric: temperature}}\n', encoding="utf-8"
    )
    formats = load_formats(load_settings(sources_dir=tmp_path), catalog)
    with pytest.raises(StopError, match=r"mine asks for topics of the service itself: iot/v1/\+/#"):
        Router(formats)
