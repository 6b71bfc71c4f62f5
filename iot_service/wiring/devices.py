"""The commands about devices: each does one thing in one transaction, and returns what to print."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from iot_service import clock
from iot_service.api.disabling import disable_device
from iot_service.config import Settings
from iot_service.customers.change import Change
from iot_service.customers.inputs import DeviceInput
from iot_service.customers.store import put_device
from iot_service.errors import InvalidInputError, StopError
from iot_service.model.device import ServiceState
from iot_service.registry import aliases, credentials, registrations
from iot_service.registry.csv_import import import_devices
from iot_service.rules.service_state import set_service_state
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.installation import open_catalog

KEEP = "Keep it now: it is not shown again."


def add_device_command(
    settings: Settings,
    device: str,
    product: str,
    customer: str,
    site: str | None,
    name: str,
    parameters: list[str],
    *,
    secret: bool,
) -> str:
    """Register a device, or change it; a new one gets a ``secret``. Raises InvalidInputError that names the field."""
    entry = _entry(device, product, customer, site, name, parameters)
    catalog = open_catalog(settings)
    now = clock.now()
    with at_work(settings) as connection:
        change = put_device(connection, entry, catalog=catalog, actor=ACTOR, now=now)
        said = f"device {device}: {change.value}"
        if change is Change.CREATED and secret:
            text = credentials.rotate(connection, device, reason="its first secret", actor=ACTOR, now=now)
            said += f"\nsecret: {text}\n{KEEP}"
    return said


def list_devices_command(
    settings: Settings,
    *,
    customer: str | None,
    product: str | None,
    state: str | None,
    disabled: bool | None,
    after: str | None,
    limit: int,
) -> str:
    """Return a table of devices by id, at most ``limit`` of them."""
    with at_work(settings) as connection:
        rows = registrations.registrations(
            connection,
            customer_id=customer,
            product=product,
            state=_state(state) if state else None,
            disabled=disabled,
            after=after,
            limit=limit + 1,
        )
    if not rows:
        return "no such devices: load a file, or add one with `iot-service device add --help`"
    lines = [f"{'device':<24} {'product':<16} {'customer':<16} {'state':<16} newest reading (UTC)"]
    for row in rows[:limit]:
        shown = "disabled" if row.disabled_at else row.service_state
        lines.append(f"{row.id:<24} {row.product:<16} {row.customer_id:<16} {shown:<16} {_when(row.heard_at)}")
    if len(rows) > limit:
        lines.append(f"there are more: add --after {rows[limit - 1].id}")
    return "\n".join(lines)


def show_device_command(settings: Settings, device: str) -> str:
    """Return what the registry knows of a device, one thing a line."""
    with at_work(settings) as connection:
        row = registrations.registration(connection, device)
    values = {
        "device": row.id,
        "name": row.name,
        "product": row.product,
        "customer": row.customer_id,
        "site": row.site_id or "none",
        "service state": row.service_state,
        "registered": _when(row.created_at),
        "secret issued": _when(row.secret_issued_at),
        "disabled": _when(row.disabled_at) if row.disabled_at else "no",
        "newest reading": _when(row.heard_at),
        "aliases": ", ".join(row.aliases) or "none",
    }
    return "\n".join(f"{name + ':':<16} {value}" for name, value in values.items())


def device_state_command(settings: Settings, device: str, state: str, reason: str) -> str:
    """Change a device's service state; raises InvalidInputError that lists the states."""
    asked = _state(state)
    catalog = open_catalog(settings)
    with at_work(settings) as connection:
        set_service_state(connection, device, asked, catalog=catalog, reason=reason, actor=ACTOR, now=clock.now())
    return f"device {device}: {state}"


def disable_device_command(settings: Settings, device: str, reason: str) -> str:
    """Refuse a device from now on."""
    with at_work(settings) as connection:
        disable_device(connection, device, reason=reason, actor=ACTOR, now=clock.now())
    return f"device {device}: disabled, and out of service"


def enable_device_command(settings: Settings, device: str, reason: str) -> str:
    """Let a device in again."""
    with at_work(settings) as connection:
        registrations.enable(connection, device, reason=reason, actor=ACTOR, now=clock.now())
        state = registrations.registration(connection, device).service_state
    back = f"; it is {state}: put it back by `iot-service device state {device} in_service`"
    return f"device {device}: enabled{back if state is ServiceState.OUT_OF_SERVICE else ''}"


def rotate_device_command(settings: Settings, device: str, reason: str) -> str:
    """Give a device a new secret, and return it."""
    with at_work(settings) as connection:
        secret = credentials.rotate(connection, device, reason=reason, actor=ACTOR, now=clock.now())
    return f"secret: {secret}\n{KEEP} The one before no longer works."


def move_device_command(settings: Settings, device: str, customer: str | None, site: str | None, reason: str) -> str:
    """Give a device to another customer, or to another site of its own."""
    with at_work(settings) as connection:
        owner = customer or registrations.registration(connection, device).customer_id
        registrations.move(
            connection, device, customer_id=owner, site_id=site, reason=reason, actor=ACTOR, now=clock.now()
        )
    return f"device {device}: with customer {owner}, at {site or 'no site'}"


def alias_command(settings: Settings, device: str, alias: str, *, remove: bool, reason: str) -> str:
    """Give a device another name, or take it back."""
    change = aliases.remove_alias if remove else aliases.add_alias
    with at_work(settings) as connection:
        change(connection, device, alias, reason=reason, actor=ACTOR, now=clock.now())
    return f"{alias}: {'stands for nothing now' if remove else f'stands for device {device}'}"


def import_csv_command(settings: Settings, file: Path, credentials_out: Path | None) -> str:
    """Register the devices of a CSV file; their secrets go to a new file that only its owner can read."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot be read: {error}", field=str(file)) from None
    catalog = open_catalog(settings)
    # The file is made first and written before the commit: secrets that could not be kept would be lost.
    with ExitStack() as undo:
        out = undo.enter_context(_fresh_file(credentials_out)) if credentials_out else None
        if credentials_out:
            undo.callback(credentials_out.unlink)
        with at_work(settings) as connection:
            number, secrets = import_devices(
                connection, text, file=str(file), catalog=catalog, actor=ACTOR, now=clock.now(),
                with_secrets=out is not None,
            )  # fmt: skip
            if out is not None:
                out.write(credentials_csv(secrets))
                out.flush()
                os.fsync(out.fileno())
        undo.pop_all()
        if out is not None:
            out.close()
    kept = f"; their secrets are in {credentials_out}" if credentials_out else ", without secrets"
    return f"{number} devices registered{kept}"


def credentials_csv(secrets: Mapping[str, str]) -> str:
    """Return secrets by device id as CSV."""
    return "device_id,secret\n" + "".join(f"{device},{secret}\n" for device, secret in secrets.items())


def _fresh_file(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise StopError(f"{path} is there already; name a new file, so that no secrets are lost") from None
    except OSError as error:
        raise StopError(f"{path} cannot be made: {error.strerror}") from None
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _entry(device: str, product: str, customer: str, site: str | None, name: str, parameters: list[str]) -> DeviceInput:
    values: dict[str, float] = {}
    for parameter in parameters:
        key, _, number = parameter.partition("=")
        try:
            values[key] = float(number)
        except ValueError:
            raise InvalidInputError(
                "write NAME=NUMBER, for example setpoint=-70", field=f"parameter {parameter}"
            ) from None
    try:
        return DeviceInput(id=device, product=product, customer_id=customer, site_id=site, name=name, parameters=values)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidInputError(wrong["msg"], field=".".join(map(str, wrong["loc"]))) from None


def _state(text: str) -> ServiceState:
    if text not in set(ServiceState):
        raise InvalidInputError(f"must be one of {', '.join(ServiceState)}", field=f"state {text}")
    return ServiceState(text)


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "never"
