"""`doctor`: looks at an installation and says what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.db.health import health
from iot_service.engines.broker import find_mosquitto
from iot_service.errors import StopError
from iot_service.history.storage import Storage, look
from iot_service.ingest.store import slots
from iot_service.registry.store import count_secrets
from iot_service.rules.doubts import failing_devices
from iot_service.wiring.doctor_ingest import formats_finding, logins_finding, slot_finding
from iot_service.wiring.finding import Finding
from iot_service.wiring.installation import open_catalog

_LAG_SECONDS = 30.0
_NAMED = 3
_ROLLUPS_LAG = timedelta(hours=2)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what was found, each as soon as it is known."""
    yield from _models(settings)
    yield _broker(settings)
    yield from _database(settings)
    yield Finding("SMS", True, settings.sms_url or f"no IOT_SMS_URL: written to {settings.data_dir / 'outbox'}")
    mail = "set" if settings.smtp_url else f"no IOT_SMTP_URL: written to {settings.data_dir / 'outbox'}"
    yield Finding("e-mail", True, mail)
    secret = settings.secret_key is not None or settings.database_url is None
    yield Finding(
        "signing key", secret, "set" if settings.secret_key else
        "kept in the data folder" if secret else "IOT_SECRET_KEY is not set: links would differ from host to host",
    )  # fmt: skip


def _models(settings: Settings) -> Iterator[Finding]:
    try:
        catalog = open_catalog(settings)
    except StopError as error:
        yield Finding("products and rules", False, str(error))
        return
    rules = sum(map(len, catalog.rules.values()))
    yield Finding("products and rules", True, f"{', '.join(sorted(catalog.products))}: {rules} rules")
    yield formats_finding(settings, catalog)


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        yield from filter(None, [logins_finding(settings, 0)])
        free = shutil.disk_usage(settings.data_dir if settings.data_dir.exists() else ".").free / 1e9
        yield Finding("database", free > 1, f"embedded PostgreSQL in {settings.data_dir}, {free:.0f} GB free")
        return
    try:
        with Database(settings.database_url.get_secret_value()) as database, database.transaction() as connection:
            found = health(connection, now=clock.now())
            storage = look(connection) if found.migrated else None
            held = slots(connection) if found.migrated else []
            secrets = count_secrets(connection) if found.migrated else 0
            failing = failing_devices(connection, limit=_NAMED) if found.failing_devices else []
    except (DatabaseUnavailableError, ValueError) as error:
        yield Finding("database", False, f"cannot be reached: {str(error).splitlines()[0]}; check IOT_DATABASE_URL")
        return
    yield from filter(None, [logins_finding(settings, secrets)])
    yield Finding("database", True, found.version)
    if storage is None:
        yield Finding("schema", False, "not there: run `iot-service migrate`")
        return
    yield from _readings(storage)
    lag = found.ingest_lag_seconds
    if lag is None:
        yield Finding("ingest", False, "has never run here: start `iot-service serve` or `iot-service ingest`")
    else:
        yield Finding("ingest", lag < _LAG_SECONDS, f"everything up to {lag:.0f} s ago is stored")
    for slot in held:
        yield slot_finding(slot, clock.now())
    yield Finding(
        "rules", found.failing_devices == 0, "no device fails" if found.failing_devices == 0
        else f"rules fail for {found.failing_devices} devices, see `iot-service rules unknown --why failed`: "
        + "; ".join(f"{name} ({error})" for name, error in failing),
    )  # fmt: skip


def _readings(storage: Storage) -> Iterator[Finding]:
    kept = f"chunks of {storage.chunk_span}" if storage.chunk_span else "in one table"
    yield Finding("readings", True, "; ".join(filter(None, (kept, storage.missed))))
    if storage.rolled_up_until is not None:
        lag = clock.now() - storage.rolled_up_until
        behind = lag > clock.during(_ROLLUPS_LAG)
        said = f"everything up to {lag.total_seconds():.0f} s ago is in them"
        yield Finding("rollups", not behind, said + (": start `iot-service worker`" if behind else ""))


def _broker(settings: Settings) -> Finding:
    if settings.mqtt_url is None:
        program = find_mosquitto()
        return Finding("broker", True, f"embedded: {program or 'amqtt, for a first look only; install mosquitto'}")
    parts = urlsplit(settings.mqtt_url)
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=3):
            return Finding("broker", True, f"{parts.hostname}:{port} answers")
    except OSError as error:
        return Finding("broker", False, f"{parts.hostname}:{port} does not answer ({error}); check IOT_MQTT_URL")
