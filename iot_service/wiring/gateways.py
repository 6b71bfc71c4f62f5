"""The commands about gateways and claim keys: who else may bring devices in."""

from __future__ import annotations

from datetime import UTC, datetime

from iot_service import clock
from iot_service.config import Settings
from iot_service.registry import claims, gateways
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.devices import KEEP
from iot_service.wiring.installation import open_catalog

_MOST = 10_000


def add_gateway_command(settings: Settings, gateway: str, write: list[str], read: list[str]) -> str:
    """Register a gateway, and return its user name and secret."""
    with at_work(settings) as connection:
        made, secret = gateways.add_gateway(
            connection, gateway, write=write, read=read, actor=ACTOR, now=clock.now()
        )  # fmt: skip
    return f"user name: {made.username}\nsecret: {secret}\n{KEEP}"


def list_gateways_command(settings: Settings) -> str:
    """Return the gateways with their topics, one a line."""
    with at_work(settings) as connection:
        rows = gateways.list_gateways(connection, after=None, limit=_MOST)
    lines = []
    for row in rows:
        state = " (disabled)" if row.disabled_at else ""
        topics = [f"write {topic}" for topic in row.write_topics] + [f"read {topic}" for topic in row.read_topics]
        lines.append(f"{row.username}{state}: {', '.join(topics)}")
    return "\n".join(lines) or "no gateways"


def gateway_topics_command(settings: Settings, gateway: str, write: list[str], read: list[str], reason: str) -> str:
    """Give a gateway other topics."""
    with at_work(settings) as connection:
        gateways.set_topics(
            connection, gateway, write=write, read=read, reason=reason, actor=ACTOR, now=clock.now()
        )  # fmt: skip
    return f"gateway {gateway}: changed"


def rotate_gateway_command(settings: Settings, gateway: str, reason: str) -> str:
    """Give a gateway another secret, and return it."""
    with at_work(settings) as connection:
        secret = gateways.rotate_gateway(connection, gateway, reason=reason, actor=ACTOR, now=clock.now())
    return f"secret: {secret}\n{KEEP} The one before no longer works."


def switch_gateway_command(settings: Settings, gateway: str, reason: str, *, enabled: bool) -> str:
    """Disable a gateway, or enable it again."""
    with at_work(settings) as connection:
        gateways.switch_gateway(connection, gateway, enabled=enabled, reason=reason, actor=ACTOR, now=clock.now())
    return f"gateway {gateway}: {'enabled' if enabled else 'disabled'}"


def create_claim_key_command(
    settings: Settings,
    name: str,
    product: str,
    customer: str,
    site: str | None,
    expires: datetime | None,
    max_uses: int | None,
) -> str:
    """Create a claim key, and return it."""
    catalog = open_catalog(settings)
    with at_work(settings) as connection:
        key, made = claims.create_claim_key(
            connection,
            name=name,
            product=product,
            customer_id=customer,
            site_id=site,
            expires_at=expires.replace(tzinfo=expires.tzinfo or UTC) if expires else None,
            max_uses=max_uses,
            catalog=catalog,
            actor=ACTOR,
            now=clock.now(),
        )
    return f"claim key {made.id}: {key}\n{KEEP}"


def list_claim_keys_command(settings: Settings) -> str:
    """Return the claim keys, without what they say, one a line."""
    now = clock.now()
    with at_work(settings) as connection:
        rows = claims.list_claim_keys(connection, before=None, limit=_MOST)
    lines = []
    for row in rows:
        uses = f"{row.uses} of {row.max_uses}" if row.max_uses else f"{row.uses}"
        ended = row.revoked_at or (row.expires_at if row.expires_at and row.expires_at <= now else None)
        state = f"ended {ended.astimezone(UTC):%Y-%m-%d %H:%M}" if ended else "in force"
        lines.append(f"{row.id}: {row.name}, {row.product} for {row.customer_id}, used {uses}, {state}")
    return "\n".join(lines) or "no claim keys"


def revoke_claim_key_command(settings: Settings, key: int, reason: str) -> str:
    """End a claim key."""
    with at_work(settings) as connection:
        claims.revoke_claim_key(connection, key, reason=reason, actor=ACTOR, now=clock.now())
    return f"claim key {key}: revoked"
