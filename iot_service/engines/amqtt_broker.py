"""The broker of last resort: amqtt (MQTT 3.1.1) on loopback, as a process of its own.

Run as ``amqtt_broker.py PORT``, or ``amqtt_broker.py PORT FOLDER`` where only those may come in who stand in the files
there: it notices new files, but an open connection stays open. It forgets what is unacknowledged after 5 seconds, so it
is for a first look only.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig

from iot_service.engines.ports import LOOPBACK

_GUARD = "iot_service.engines.amqtt_guard"
_EVERYBODY = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


async def serve(port: int, folder: str | None = None) -> None:
    """Serve MQTT on loopback until SIGTERM: to everybody, or to those in the files of ``folder``."""
    guards = {f"{_GUARD}.SecretGuard": {"folder": folder}, f"{_GUARD}.TopicGuard": {"folder": folder}}
    config = BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"{LOOPBACK}:{port}", max_connections=5000)},
        plugins=guards if folder else _EVERYBODY,
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    broker = Broker(config)
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
