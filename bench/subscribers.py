"""What people use instead, as small programs: ``python -m bench.subscribers null|tutorial MQTT_URL COUNT [DATABASE]``.

Both are as their documentation shows them: a callback of paho, automatic acknowledgement.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

_TABLE = """
CREATE TABLE IF NOT EXISTS tutorial (device_id text, metric text, ts timestamptz NOT NULL, value double precision);
SELECT create_hypertable('tutorial', 'ts', if_not_exists => true);
CREATE UNIQUE INDEX IF NOT EXISTS tutorial_key ON tutorial (device_id, metric, ts);
"""
_INSERT = "INSERT INTO tutorial VALUES (%s, %s, %s, %s), (%s, %s, %s, %s), (%s, %s, %s, %s), (%s, %s, %s, %s)"


def main(what: str, url: str, count: int, database: str = "") -> None:
    """Take ``count`` messages, throwing them away (null) or storing each by itself (tutorial)."""
    left = count
    connection = psycopg.connect(database) if what == "tutorial" else None
    if connection is not None:
        connection.execute(_TABLE)
        connection.commit()

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe("iot/v1/+/telemetry", qos=1)

    def on_subscribe(*_: Any) -> None:
        print("ready", flush=True)

    def on_message(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        nonlocal left
        if connection is not None:
            said = json.loads(message.payload)
            device, at = message.topic.split("/")[2], datetime.fromtimestamp(said["ts"] / 1000, UTC)
            row = [part for name, value in said["values"].items() for part in (device, name, at, value)]
            connection.execute(_INSERT, row)
            connection.commit()
        left -= 1
        if left == 0:
            client.disconnect()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{what}", clean_session=True)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    address = urlsplit(url)
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_forever()
    print(time.time(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
