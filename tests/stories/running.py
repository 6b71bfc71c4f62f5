"""The whole service as its own processes, on real servers, for tests that play a story from end to end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from psycopg import sql

from iot_service.config import Settings
from iot_service.db import Database
from iot_service.wiring.installation import database_url, public_url
from iot_service.wiring.serve import process_tree
from tests.servers.kannel import KannelServer
from tests.servers.sms import Sms
from tests.servers.smtp import SmtpServer

LINK = re.compile(r"https?://\S+/l/[\w.\-]+")
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], *, seconds: float = 30.0, what: str = "it") -> Found:
    """Look again and again until something is there; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found


def link_in(text: str) -> str:
    """The one link that a message carries."""
    links = LINK.findall(text)
    assert len(links) == 1, text
    return str(links[0])


@dataclass
class RunningService:
    """A service that runs: its settings, its database, and the far ends of its messages."""

    settings: Settings
    database: Database
    gateway: KannelServer
    mail_server: SmtpServer
    log: Path

    def telemetry(self, device: str, samples: Iterable[tuple[datetime, Mapping[str, Any]]]) -> None:
        """Publish readings at QoS 1, as the device would, and wait for the broker's acknowledgements."""
        payloads = [{"ts": int(ts.timestamp() * 1000), "values": dict(values)} for ts, values in samples]
        self.publish(device, "telemetry", [json.dumps(payload).encode() for payload in payloads])

    def publish(self, device: str, topic: str, payloads: Iterable[bytes]) -> None:
        """Publish on one topic of the device at QoS 1, and wait for the acknowledgements."""
        assert self.settings.mqtt_url is not None
        host, port = self.settings.mqtt_url.removeprefix("mqtt://").split(":")
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{device}", protocol=MQTTProtocolVersion.MQTTv311)
        client.connect(host, int(port))
        client.loop_start()
        try:
            sent = [client.publish(f"iot/v1/{device}/{topic}", payload, qos=1) for payload in payloads]
            for message in sent:
                message.wait_for_publish(20)
        finally:
            client.disconnect()
            client.loop_stop()

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """What the tables say."""
        with self.database.transaction() as connection:
            return connection.execute(sql.SQL(statement), parameters).fetchall()

    def wait_for_sms(self, number: str, *, count: int = 1) -> list[Sms]:
        """The SMS that have arrived at ``number``, at least ``count``."""
        return self.gateway.wait_for(number, count=count, timeout=40)

    def wait_for_mail(self, address: str, *, count: int = 1) -> list[EmailMessage]:
        """The e-mails that have arrived at ``address``, at least ``count``."""
        return self.mail_server.wait_for(address, count=count, timeout=40)

    def get(self, link: str) -> str:
        """Open a link as a browser would."""
        answer = httpx.get(link, timeout=20)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        return answer.text

    def press(self, link: str, **form: str) -> httpx.Response:
        """Press a button of the page that the link opens."""
        return httpx.post(link, data=form, timeout=20, follow_redirects=True)


@contextmanager
def running_service(
    settings: Settings, gateway: KannelServer, mail_server: SmtpServer, log: Path
) -> Iterator[RunningService]:
    """Start ingest, worker and API as processes of their own, and end them with the block."""
    tree = process_tree(settings, log_file=log)
    tree.start()
    try:
        wait_for(lambda: _ready(settings), seconds=60, what=f"the service to get ready (see {log})")
        with Database(database_url(settings)) as database:
            yield RunningService(settings, database, gateway, mail_server, log)
    finally:
        tree.stop()


def _ready(settings: Settings) -> bool:
    try:
        return httpx.get(f"{public_url(settings)}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
