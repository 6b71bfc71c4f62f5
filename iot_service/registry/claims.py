"""Zero-touch: with the claim key of its product a device registers itself once, and gets a secret of its own."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iot_service.db import Connection
from iot_service.db.events import record
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError, ServiceError
from iot_service.model.device import DEVICE_ID
from iot_service.model.event import Event, EventType
from iot_service.products.catalog import Catalog
from iot_service.registry.new_device import NewDevice
from iot_service.registry.register import register
from iot_service.registry.store import QUERIES

_PREFIX = "ck_"
_LONGEST_SERIAL = 100


class ClaimRefusedError(ServiceError):
    """The claim key is not in force for this product: unknown, revoked, expired or used up; which is not told."""


class AlreadyClaimedError(ServiceError):
    """There is a device with this id already. The refusal is in the event log: the caller commits it."""


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """One claim key, without what it says; ``max_uses`` None: as many devices as like."""

    id: int
    name: str
    product: str
    customer_id: str
    site_id: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    max_uses: int | None
    uses: int


def create_claim_key(
    connection: Connection,
    *,
    name: str,
    product: str,
    customer_id: str,
    site_id: str | None = None,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
    catalog: Catalog,
    actor: str,
    now: datetime,
) -> tuple[str, ClaimKey]:
    """Create a claim key; return what it says, which is shown this once, and the key.

    Devices that use it belong to the customer (and stand at the site), until they are moved. Raises InvalidInputError
    for an unknown product, customer or site, or an expiry that does not lie ahead.
    """
    if product not in catalog.products:
        known = ", ".join(sorted(catalog.products))
        raise InvalidInputError(f"there is no product model {product!r}; known are {known}", field="product")
    if not QUERIES["known_customers"].all(connection, ids=[customer_id]):
        raise InvalidInputError(f"there is no customer {customer_id!r}; create it first", field="customer_id")
    if site_id is not None:
        sites = QUERIES["known_sites"].all(connection, ids=[site_id])
        if not sites or sites[0]["customer_id"] != customer_id:
            raise InvalidInputError(f"the customer has no site {site_id!r}; create it first", field="site_id")
    if expires_at is not None and expires_at <= now:
        raise InvalidInputError("must lie ahead", field="expires_at")
    if max_uses is not None and max_uses < 1:
        raise InvalidInputError("must be at least 1", field="max_uses")
    text = _PREFIX + secrets.token_urlsafe(24)
    row = QUERIES["add_claim_key"].one(
        connection, name=name, product=product, customer_id=customer_id, site_id=site_id, key_hash=_digest(text),
        now=now, expires_at=expires_at, max_uses=max_uses,
    )  # fmt: skip
    reason = f"a claim key for devices of product {product}"
    _log(connection, EventType.CLAIM_KEY_CREATED, str(row["id"]), reason, actor, now, customer_id=customer_id)
    return text, ClaimKey(**row)


def list_claim_keys(connection: Connection, *, before: int | None, limit: int) -> list[ClaimKey]:
    """Return up to ``limit`` claim keys, newest first, those made before the one with id ``before``."""
    return [ClaimKey(**row) for row in QUERIES["claim_keys"].all(connection, before=before, limit=limit)]


def revoke_claim_key(connection: Connection, key_id: int, *, reason: str, actor: str, now: datetime) -> ClaimKey:
    """End a claim key; what was claimed by it stays. To revoke it twice changes nothing. Raises NotFoundError."""
    row = QUERIES["revoke_claim_key"].first(connection, id=key_id, now=now)
    if row is not None:
        _log(
            connection, EventType.CLAIM_KEY_REVOKED, str(key_id), reason, actor, now, customer_id=row["customer_id"]
        )  # fmt: skip
        return ClaimKey(**row)
    row = QUERIES["claim_key"].first(connection, id=key_id)
    if row is None:
        raise NotFoundError(f"there is no claim key {key_id}")
    return ClaimKey(**row)


def id_of_serial(product: str, serial: str) -> str:
    """Return the id of a device that knows no more of itself than its serial number.

    That is the product and the serial number, with ``-`` in place of what an id may not hold; where something was
    replaced or cut, eight digits of a hash keep two serial numbers apart. Raises InvalidInputError.
    """
    if not serial.strip() or not serial.isprintable() or len(serial) > _LONGEST_SERIAL:
        raise InvalidInputError(f"must be one line of 1 to {_LONGEST_SERIAL} characters", field="serial")
    plain = f"{product}-{serial}"
    slug = re.sub(r"[^A-Za-z0-9_-]", "-", plain)[:55]
    return plain if slug == plain else f"{slug}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def claim(connection: Connection, key: str, *, device_id: str, product: str, catalog: Catalog, now: datetime) -> str:
    """Register the device that shows ``key``, and return its own secret: it is shown this once.

    The key is found by its hash, so the time taken tells nothing about any key. Raises InvalidInputError for an id
    that cannot be, ClaimRefusedError, and AlreadyClaimedError, after which the caller commits: the attempt is on
    record, everything else is as it was.
    """
    if DEVICE_ID.fullmatch(device_id) is None:
        raise InvalidInputError("must be letters, digits, - and _, 1 to 64 of them", field="device_id")
    row = QUERIES["lock_claim_key"].first(connection, key_hash=_digest(key), product=product, now=now)
    if row is None or product not in catalog.products:
        raise ClaimRefusedError("this claim key is not in force for this product; ask who gave it to you")
    actor = f"claim_key:{row['id']}"
    device = NewDevice(device_id, product, row["customer_id"], row["site_id"], device_id)
    try:
        made = register(
            connection, [device], catalog=catalog, actor=actor, reason="the device claimed its place", now=now
        )
    except ConflictError:
        reason = "a device with this id is registered already"
        _log(
            connection, EventType.CLAIM_REFUSED, device_id, reason, actor, now, customer_id=row["customer_id"],
            device_id=device_id,
        )  # fmt: skip
        raise AlreadyClaimedError(reason) from None
    QUERIES["count_claim"].run(connection, id=row["id"])
    return made[device_id]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _log(
    connection: Connection,
    kind: EventType,
    subject: str,
    reason: str,
    actor: str,
    now: datetime,
    **about: Any,
) -> None:
    record(connection, Event(type=kind, at=now, subject_id=subject, reason=reason, actor=actor, **about))
