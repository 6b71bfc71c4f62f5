"""Registering devices: one, or a hundred thousand, all or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from iot_service.db import Connection, Jsonb
from iot_service.engines.passwords import hash_secret, new_secret
from iot_service.errors import ConflictError
from iot_service.model.device import ServiceState
from iot_service.products.catalog import Catalog
from iot_service.registry.new_device import NewDevice
from iot_service.registry.store import QUERIES, wake_mirrors


def register(
    connection: Connection,
    devices: Sequence[NewDevice],
    *,
    catalog: Catalog,
    actor: str,
    reason: str,
    now: datetime,
    with_secrets: bool = True,
) -> dict[str, str]:
    """Register ``devices``, without any mistakes as :func:`mistakes` finds them, and return their secrets by id.

    The secrets are shown this once; without ``with_secrets`` there are none, for devices that come with a client
    certificate. A device whose product has a normal range is commissioning until it has been in it. Raises
    ConflictError where an id is taken; the caller must roll back then.
    """
    if not devices:
        return {}
    ids = [device.id for device in devices]
    added = QUERIES["add_devices"].all(
        connection,
        ids=ids,
        products=[device.product for device in devices],
        customer_ids=[device.customer_id for device in devices],
        site_ids=[device.site_id for device in devices],
        names=[device.name for device in devices],
        states=[_first_state(device.product, catalog) for device in devices],
        parameters=[json.dumps(dict(device.parameters)) for device in devices],
        now=now,
    )
    if len(added) < len(devices):
        missing = sorted(set(ids) - {row["id"] for row in added}) or ids
        raise ConflictError(f"device {missing[0]} is registered already")
    QUERIES["add_rule_states"].run(connection, ids=ids)
    secrets = {device_id: new_secret() for device_id in ids} if with_secrets else {}
    if secrets:
        hashes = [hash_secret(secret) for secret in secrets.values()]
        QUERIES["add_secrets"].run(connection, ids=list(secrets), hashes=hashes, now=now)
    QUERIES["log_registered"].run(
        connection, ids=ids, actor=actor, reason=reason, data=Jsonb({"secret_issued": with_secrets}), now=now
    )
    wake_mirrors(connection)
    return secrets


def _first_state(product: str, catalog: Catalog) -> ServiceState:
    has_range = catalog.products[product].in_service_when is not None
    return ServiceState.COMMISSIONING if has_range else ServiceState.IN_SERVICE
