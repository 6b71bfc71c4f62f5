"""The secrets of devices and gateways: issued once, and verified at the doors."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from iot_service.db import Connection
from iot_service.engines.passwords import hash_secret, is_secret, new_secret
from iot_service.engines.topic_rights import GATEWAY_PREFIX, NO_RIGHTS, TopicRights
from iot_service.model.event import EventType
from iot_service.registry.registrations import held, log
from iot_service.registry.store import QUERIES, wake_mirrors

_FRESH = 1.0  # seconds for which a secret that fits is not looked up again: so long a disabled device may still pass
_MOST_KEPT = 10_000
_NOBODY = hash_secret(new_secret())


class _Kept(NamedTuple):
    secret_hash: str
    read_at: float


class SecretCache:
    """Hashes of secrets by user name, as they were read lately. Only what fits is taken from here; all else is read."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def fits(self, username: str, secret: str) -> bool:
        """Return whether the secret is right by what was read in the last second."""
        kept = self._kept.get(username)
        if kept is None or self._monotonic() - kept.read_at > _FRESH:
            return False
        return is_secret(secret, kept.secret_hash)

    def keep(self, username: str, secret_hash: str) -> None:
        """Remember what was read just now."""
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[username] = _Kept(secret_hash, self._monotonic())


_cache = SecretCache()


def rotate(connection: Connection, device_id: str, *, reason: str, actor: str, now: datetime) -> str:
    """Give a device a new secret (its first one, where it had none) and return it: it is shown this once.

    The one before is worth nothing from now on: where the broker is reloaded, who is connected by it is put out.
    Raises NotFoundError.
    """
    device = held(connection, device_id)
    secret = new_secret()
    QUERIES["put_secret"].run(connection, device_id=device_id, secret_hash=hash_secret(secret), now=now)
    log(
        connection, EventType.DEVICE_CREDENTIALS_ISSUED, device_id, customer_id=device["customer_id"], reason=reason,
        actor=actor, now=now,
    )  # fmt: skip
    wake_mirrors(connection)
    return secret


def verify_device(connection: Connection, device_id: str, secret: str, *, cache: SecretCache = _cache) -> bool:
    """Return whether ``secret`` is that of the device, which is registered and not disabled.

    A right secret is read from the database once a second and process only, so telemetry at speed costs a hash (some
    microseconds) a request; a secret that was changed, or a device that was disabled, passes for that second at most.
    An unknown device takes as long as a wrong secret.
    """
    if cache.fits(device_id, secret):
        return True
    row = QUERIES["secret_of_device"].first(connection, device_id=device_id)
    return _fits(username=device_id, secret=secret, stored=row["secret_hash"] if row else None, cache=cache)


def verify_user(connection: Connection, username: str, secret: str, *, cache: SecretCache = _cache) -> bool:
    """Return whether ``secret`` is that of the broker's user ``username``, a device or a gateway (not the service)."""
    if not username.startswith(GATEWAY_PREFIX):
        return verify_device(connection, username, secret, cache=cache)
    if cache.fits(username, secret):
        return True
    row = QUERIES["enabled_gateway"].first(connection, id=username.removeprefix(GATEWAY_PREFIX))
    return _fits(username=username, secret=secret, stored=row["secret_hash"] if row else None, cache=cache)


def rights_of(connection: Connection, username: str, devices: TopicRights) -> TopicRights:
    """Return what a device or gateway may do at the broker; nothing where it is unknown or disabled.

    ``devices`` are the rights that every device has, with ``%u`` for its user name.
    """
    if username.startswith(GATEWAY_PREFIX):
        row = QUERIES["enabled_gateway"].first(connection, id=username.removeprefix(GATEWAY_PREFIX))
        return TopicRights(tuple(row["write_topics"]), tuple(row["read_topics"])) if row else NO_RIGHTS
    known = QUERIES["is_enabled"].first(connection, device_id=username)
    return devices.of(username) if known else NO_RIGHTS


def _fits(*, username: str, secret: str, stored: str | None, cache: SecretCache) -> bool:
    if stored is None:
        is_secret(secret, _NOBODY)  # so that nobody can tell by the time who is registered
        return False
    if not is_secret(secret, stored):
        return False
    cache.keep(username, stored)
    return True
