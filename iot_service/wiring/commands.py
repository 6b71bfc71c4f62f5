"""The small commands: each opens the database, calls one function of a stage, and returns what to print."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from iot_service import clock
from iot_service.api import tokens
from iot_service.api.operators import add_operator
from iot_service.api.principal import Role
from iot_service.commerce import stock
from iot_service.config import Settings
from iot_service.customers.load import load_file
from iot_service.db import Connection
from iot_service.durations import format_duration
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.rules.facts import Serviced, record_service
from iot_service.wiring.at_work import ACTOR, at_work
from iot_service.wiring.installation import open_catalog


def load_into(connection: Connection, file: Path, catalog: Catalog) -> str:
    """Load one file, set the initial stocks it names, and return what changed in one sentence."""
    now = clock.now()
    report = load_file(file, connection, catalog, now)
    for initial in report.initial_stock:
        stock.set_initial(
            connection, initial.device_id, initial.consumable, initial.quantity, catalog=catalog, actor=ACTOR, now=now
        )
    services = 0
    for last in report.serviced:
        done = Serviced(last.device_id, last.service, last.at, last.readings)
        services += record_service(connection, done, catalog=catalog, actor=ACTOR, now=now) is not None
    if report.nothing_changed and not services:
        return f"{file}: everything is as it says, nothing changed"
    parts = [
        f"{count} {section} {verb}"
        for verb, counts in (("created", report.created), ("changed", report.changed))
        for section, count in counts.items()
        if count
    ]
    if services:
        parts.append(f"{services} services recorded")
    return f"{file}: {', '.join(parts) or 'initial stock set'}"


def load_command(settings: Settings, file: Path) -> str:
    """Load ``file`` into the database of ``settings``."""
    catalog = open_catalog(settings)
    with at_work(settings) as connection:
        return load_into(connection, file, catalog)


def add_operator_command(settings: Settings, email: str, name: str, password: str) -> str:
    """Add an operator who may log in to the console."""
    with at_work(settings) as connection:
        add_operator(connection, email, name, password, clock.now())
    return f"{email} may log in"


def create_token_command(settings: Settings, name: str, role: str, expires: datetime | None) -> str:
    """Create an API token, and return it: it is shown this once."""
    if role not in {Role.OPERATOR, Role.INTEGRATION}:
        raise InvalidInputError("must be operator or integration", field=f"role {role}")
    expires_at = expires.replace(tzinfo=expires.tzinfo or UTC) if expires else None
    if expires_at is not None and expires_at <= clock.now():
        raise InvalidInputError("is over already; name a day to come", field=f"expires {expires:%Y-%m-%d}")
    with at_work(settings) as connection:
        token, _ = tokens.create(connection, name=name, role=Role(role), now=clock.now(), expires_at=expires_at)
    return f"{token}\nKeep it now: it is not shown again. Use it as `Authorization: Bearer …`."


def settings_table() -> str:
    """Return the page of all settings, in Markdown."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of a file `.env` in the working directory. Secrets may come from a file: set",
        "`IOT_…_FILE` to its path. Durations are written `90s`, `15m`, `2h` or `3d`. Unset engines mean embedded ones.",
        "",
        "| variable | default | what it is |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if default in (None, ()) or default is PydanticUndefined or isinstance(default, SecretStr):
            shown = ""
        elif hasattr(default, "total_seconds"):
            shown = f"`{format_duration(default)}`"
        else:
            shown = f"`{default}`"
        description = str(field.description).replace("|", "\\|")
        lines.append(f"| `IOT_{name.upper()}` | {shown} | {description} |")
    return "\n".join(lines)
