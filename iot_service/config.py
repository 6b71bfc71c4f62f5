"""Settings: the only reader of the environment.

Every setting is an ``IOT_…`` environment variable, or a line of a ``.env`` file in the working directory; secrets may
come from a file named by ``IOT_…_FILE``. Unset engines mean embedded ones.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from iot_service.durations import format_duration, parse_duration
from iot_service.errors import StopError

SECRETS = (
    "database_url", "mqtt_password", "broker_hook_secret", "sms_password", "smtp_url", "secret_key", "metrics_token",
)  # fmt: skip
Duration = Annotated[
    timedelta,
    Field(ge=timedelta(0)),
    BeforeValidator(lambda value: parse_duration(value) if isinstance(value, str) else value),
]
"""A span of time, written 90s, 15m, 2h or 3d."""

PARENT_PIPE = "IOT_PARENT_PIPE"
"""Names the pipe that closes when the parent process ends; set by the parent, not by people."""

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder that the processes of one tree keep their metrics in; set by the parent (the library's own name)."""

PROCESS_NAME = "IOT_PROCESS_NAME"
"""Names a process within its tree; set by the parent, not by people."""


class Settings(BaseSettings):
    """All settings of one process; ``docs/settings.md`` lists them."""

    model_config = SettingsConfigDict(env_prefix="IOT_", env_file=".env", extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL or TimescaleDB, as postgresql://user:password@host:port/name; unset: embedded",
    )
    mqtt_url: str | None = Field(
        default=None,
        pattern=r"^mqtts?://[^/\s]+$",
        description="The broker, as mqtt://host:port or mqtts://host:port; unset: embedded",
    )
    mqtt_username: str | None = Field(default=None, description="User name at the broker")
    mqtt_password: SecretStr | None = Field(default=None, description="Password at the broker")
    mqtt_ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) of whom to trust at mqtts://; unset: whom this machine trusts"
    )
    mqtt_certificate_file: Path | None = Field(
        default=None, description="Certificate (PEM) that the service shows to the broker; unset: none"
    )
    mqtt_key_file: Path | None = Field(
        default=None, description="Key (PEM) of that certificate; unset: it is in the same file"
    )
    broker_auth: bool = Field(
        default=False,
        description="Whether the embedded broker asks for names and passwords; unset: it trusts this machine",
    )
    broker_files_dir: Path | None = Field(
        default=None, description="Folder that the worker keeps Mosquitto's password file and access list in"
    )
    broker_reload: str | None = Field(
        default=None,
        description="How Mosquitto reads them anew: pidfile:/path or a command (no shell); unset: it looks by itself",
    )
    broker_hook_secret: SecretStr | None = Field(
        default=None,
        description="What brokers show that ask us who may connect, at least 16 characters; unset: nobody may ask",
    )
    claims_per_address: int = Field(
        default=300, ge=1, description="Most claims of devices from one address within five minutes"
    )
    mqtt_slot: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="Which session at the broker this ingest process takes; unset: the first one that is free",
    )
    mqtt_share: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="Name of the shared subscription where several ingest processes share the work",
    )
    sms_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="sendsms of Kannel, as http://host:13013/cgi-bin/sendsms; unset: written to the outbox folder",
    )
    sms_username: str = Field(default="iot", description="User name at the SMS gateway")
    sms_password: SecretStr = Field(default=SecretStr(""), description="Password at the SMS gateway")
    sms_sender: str = Field(default="iot-service", description="Sender that people see on SMS")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server, as smtp://user:password@host:port or smtps://…; unset: written to the outbox folder",
    )
    mail_from: str = Field(default="service@example.com", description="Sender of e-mail")
    host: str = Field(default="127.0.0.1", description="Address the API and the console listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="Port of the API and the console; 0 takes a free one")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Address that links in messages begin with; unset: http://host:port",
    )
    data_dir: Path = Field(
        default=Path("~/.local/share/iot-service"), description="Folder of the embedded engines, the outbox and keys"
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key that signs links, at least 32 characters; unset: made once and kept in the data folder",
    )
    products_dir: Path | None = Field(
        default=None, description="Folder with product models of your own, beside the shipped ones"
    )
    formats: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Formats to take in beside the contract's, as thingsboard,sparkplug,shelly; see docs/formats.md",
    )
    sparkplug_host: str = Field(
        default="iot-service",
        pattern=r"^[^/+#\s]{1,64}$",
        description="What we are called as a Sparkplug host application",
    )
    sources_dir: Path | None = Field(
        default=None, description="Folder with sources of your own: YAML that maps what devices say to metrics"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of a listener for /metrics and /health/…, one for each process; unset: only the API answers",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address of that listener; it asks for no token")
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Token that reads /metrics of the API, at least 16 characters; unset: loopback and operators only",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="How much is logged")
    log_json: bool = Field(default=False, description="Log one JSON object a line instead of text")
    batch_messages: int = Field(default=2000, ge=1, le=100_000, description="Most messages in one ingest transaction")
    queue_messages: int = Field(
        default=10_000,
        ge=1,
        description="Most messages in memory while the database is away; the broker keeps the rest",
    )
    clock_ahead: Duration = Field(
        default=timedelta(minutes=5), description="How far a reading's time may lie ahead of the clock"
    )
    retention: Duration = Field(
        default=timedelta(days=5 * 366),
        description="How long readings are kept where their product model does not say; older ones are refused",
    )
    readings_per_day: int | None = Field(
        default=None, ge=1, description="Readings a day, for the size of TimescaleDB's chunks; unset: as of late"
    )
    lateness: Duration = Field(default=timedelta(0), description="How long to wait for readings that come out of order")
    tick_grace: Duration = Field(
        default=timedelta(seconds=1),
        description="How long after its due time a timer waits for a reading",
    )
    backlog_quiet: Duration = Field(
        default=timedelta(seconds=30),
        description="How long a device that delivers old readings must be quiet before its timers run on",
    )
    answer_within: Duration = Field(
        default=timedelta(minutes=3), description="How long a technician has to answer before the next one is asked"
    )
    booking_notice: Duration = Field(
        default=timedelta(days=2), description="How far ahead an appointment is booked at the earliest"
    )
    proposal_expiry: Duration = Field(default=timedelta(days=7), description="How long a proposal can be accepted")
    fulfilment: Literal["manual", "simulated"] = Field(
        default="manual",
        description="Who ships orders: manual waits for calls of the API, simulated ships by itself (demo)",
    )
    clock_anchor: datetime | None = Field(default=None, description="Where a faster clock starts; for demos and tests")
    clock_speed: float = Field(default=1.0, gt=0, description="How much faster than life the clock runs; for demos")

    @field_validator(
        "data_dir",
        "products_dir",
        "sources_dir",
        "broker_files_dir",
        "mqtt_ca_file",
        "mqtt_certificate_file",
        "mqtt_key_file",
    )
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value else None

    @field_validator("broker_hook_secret", "metrics_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return value

    @field_validator("formats", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value


def load_settings(**overrides: object) -> Settings:
    """Read the settings of this process; ``overrides`` (by field name) win over the environment.

    Raises StopError that names the variable, and says what would be right, when a value is wrong.
    """
    values: dict[str, object] = {}
    for name in SECRETS:
        path = os.environ.get(f"IOT_{name.upper()}_FILE")
        if path:
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise StopError(
                    f"IOT_{name.upper()}_FILE={path}: {error.strerror}; name a file that can be read"
                ) from None
    try:
        return Settings(**{**values, **overrides})  # type: ignore[arg-type]  # pydantic checks each value
    except ValidationError as error:
        raise StopError("; ".join(_explain(e["loc"], e["msg"], overrides) for e in error.errors())) from None


def _explain(location: tuple[int | str, ...], message: str, overrides: dict[str, object]) -> str:
    name = str(location[0]) if location else ""
    variable = f"IOT_{name.upper()}"
    shown = "(secret)" if name in SECRETS else os.environ.get(variable, "")
    said = f"--{name} {overrides[name]}" if name in overrides else f"{variable}={shown}"
    description = Settings.model_fields[name].description if name in Settings.model_fields else ""
    return f"{said}: {message.removeprefix('Value error, ')}. It is: {description}"


def parent_pipe() -> int | None:
    """Return the file descriptor of the pipe to the parent process, or None for a process that has none."""
    value = os.environ.get(PARENT_PIPE)
    return int(value) if value else None


def metrics_folder() -> Path | None:
    """Return the folder that the processes of this tree keep their metrics in, None for a process that is alone."""
    value = os.environ.get(METRICS_FOLDER)
    return Path(value) if value else None


def process_name() -> str:
    """Return what the parent calls this process."""
    return os.environ.get(PROCESS_NAME) or "process"


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment for a child process: this process's own, plus every setting as an ``IOT_…`` variable."""
    result = dict(os.environ)
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is None:
            continue
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        elif isinstance(value, timedelta):
            value = format_duration(value)
        elif isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = ",".join(value)
        result[f"IOT_{name.upper()}"] = str(value)
    return result
