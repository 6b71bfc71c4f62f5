from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from iot_service.ingest.fields import compile_fields
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.occurrences import read_command_ack, read_events, read_status
from iot_service.ingest.payloads import read_telemetry
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.topics import TopicKind, parse_topic
from iot_service.products.catalog import load_catalog
from simulators.message import to_milliseconds
from simulators.rubbish import RUBBISH, rubbish

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LIMITS = TimeLimits(retention=5 * 366 * 86_400_000_000, ahead=300_000_000)
NEEDS_MORE_THAN_ITS_MESSAGE = {"two values for one instant", "an unknown device", "a device id with odd letters"}
"""What a look at the message alone cannot tell: the store and the registry do."""


def _reasons(kind: str) -> list[Reason]:
    message = RUBBISH[kind](NOW)
    topic = parse_topic(message.topic("freezer-9"))
    if topic is None:
        return [Reason.UNKNOWN_TOPIC]
    body, received = message.body(), to_milliseconds(NOW) * 1000
    faults: list[Fault] = []
    if topic.kind is TopicKind.TELEMETRY:
        fields = compile_fields(load_catalog(), LIMITS)["freezer"]
        faults = read_telemetry(body, fields, received=received, retained=message.retain).faults
    elif topic.kind is TopicKind.EVENT:
        faults = read_events(body, received=received, retained=message.retain, limits=LIMITS).faults
    elif topic.kind is TopicKind.COMMAND_ACK:
        faults = read_command_ack(body, received=received).faults
    elif topic.kind is TopicKind.STATUS:
        status = read_status(body)
        faults = [status] if isinstance(status, Fault) else []
    return [fault.reason for fault in faults]


@pytest.mark.parametrize("kind", sorted(RUBBISH.keys() - NEEDS_MORE_THAN_ITS_MESSAGE))
def test_rubbish_is_understood_as_rubbish(kind: str) -> None:
    assert _reasons(kind)


def test_rubbish_is_rubbish_in_many_distinct_ways() -> None:
    found = {reason for kind in RUBBISH for reason in _reasons(kind)}
    undetected_here = {Reason.CONFLICT, Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_PRODUCT, Reason.REFUSED}
    undetected_here |= {Reason.DEVICE_DISABLED, Reason.BAD_QUALITY, Reason.WRONG_UNIT}  # the latter of other formats
    assert found >= set(Reason) - undetected_here - {Reason.UNKNOWN_FIELD}
    bodies = {(RUBBISH[kind](NOW).topic("d"), RUBBISH[kind](NOW).body()) for kind in RUBBISH}
    assert len(bodies) >= len(RUBBISH) - 1  # retained or not is no part of the body


def test_every_kind_comes_once_a_round_with_good_readings_between() -> None:
    sent = list(islice(rubbish("1", NOW), 2 * len(RUBBISH)))
    assert len(sent[::2]) == len(RUBBISH)
    assert {(m.topic("d"), m.body()[:60]) for m in sent[1::2]} != {(m.topic("d"), m.body()[:60]) for m in sent[::2]}
    assert all(b'"door":0' in good.body() for good in sent[1::2])
    assert sent[-1].ts - sent[0].ts < timedelta(minutes=35)
