"""What the host says."""

from __future__ import annotations

import json

from iot_service.ingest.sparkplug.host import rebirth_request, rebirth_topic, state_payload, state_topic
from iot_service.ingest.sparkplug.wire import parse_payload
from tests.ingest.examples import NOW
from tests.ingest.sparkplug.edge import KEY, MILLIS


def test_the_state_is_json_with_the_time() -> None:
    assert state_topic("iot-service") == "spBv1.0/STATE/iot-service"
    assert json.loads(state_payload(online=True, at=NOW)) == {"online": True, "timestamp": MILLIS}


def test_a_rebirth_is_a_command_with_one_metric_and_no_sequence_number() -> None:
    assert rebirth_topic(KEY) == "spBv1.0/plant/NCMD/edge"
    payload = parse_payload(rebirth_request(MILLIS))
    (command,) = payload.metrics
    assert (command.name, command.datatype, command.boolean_value) == (b"Node Control/Rebirth", 11, True)
    assert (payload.timestamp, payload.HasField("seq")) == (MILLIS, False)
