"""What every process of one installation shares: engines, keys, catalog, links."""

from __future__ import annotations

import errno
import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from iot_service import clock, logs
from iot_service.config import Settings
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.db.migrate import migrate
from iot_service.engines.broker import PID_FILE, EmbeddedBroker
from iot_service.engines.postgres import EmbeddedPostgres
from iot_service.engines.reload import RELOAD_BY_PID_FILE
from iot_service.engines.topic_rights import SERVICE_USER
from iot_service.errors import StopError
from iot_service.links import Links
from iot_service.products.cache import CacheFile
from iot_service.products.catalog import Catalog, load_catalog
from iot_service.wiring.broker_files import first_files

_RUNNING = "running.json"


def set_up(settings: Settings) -> None:
    """Set this process's logs and clock as the settings say."""
    logs.configure(level=settings.log_level, json=settings.log_json)
    if settings.clock_anchor is not None:
        clock.run(anchor=settings.clock_anchor, speed=settings.clock_speed)


def open_catalog(settings: Settings) -> Catalog:
    """Load the product models, rules and services: the shipped ones, and those of ``IOT_PRODUCTS_DIR``."""
    return load_catalog(settings.products_dir, cache=parsed_files(settings))


def parsed_files(settings: Settings) -> CacheFile:
    """Return the cache of what product and rule files say."""
    return CacheFile(settings.data_dir / "cache" / "files.json")


def database_url(settings: Settings) -> str:
    """Return the database's address; raises StopError that says what to do where none is set."""
    if settings.database_url is None:
        raise StopError(
            "IOT_DATABASE_URL is not set: set it, or use `iot-service serve`, which brings its own database"
        )
    return settings.database_url.get_secret_value()


def open_database(settings: Settings, *, max_size: int = 8, application: str = "iot-service") -> Database:
    """Return the pool of this process (not yet open)."""
    return Database(database_url(settings), max_size=max_size, application=application)


def public_url(settings: Settings) -> str:
    """Return the address that links in messages begin with."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def make_links(settings: Settings) -> Links:
    """Return the maker and reader of signed links, with the installation's key."""
    return Links(secret_key(settings), public_url(settings))


def secret_key(settings: Settings) -> str:
    """Return the key that signs links: the set one, or one made once and kept, readable by its owner only."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return _kept_secret(settings, "secret.key")


def _kept_secret(settings: Settings, name: str) -> str:
    path = _home(settings) / name
    if not path.exists():
        fresh = path.with_name(f"{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            path.hardlink_to(fresh)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")


@contextmanager
def engines(settings: Settings, *, broker: bool = True, throw_away: bool = False) -> Iterator[Settings]:
    """Bring up what is not set: a database, and (where ``broker``) a broker; yields the settings with their addresses.

    Engines of a running ``serve`` on the same data folder are used as they are. The schema is brought up to date.
    ``throw_away`` removes their data at the end, however this process ends. Raises StopError where one cannot start.
    """
    changed: dict[str, object] = {}
    with ExitStack() as stack:
        own = settings.database_url is None or (broker and settings.mqtt_url is None)
        running = _running(settings) if own else {}
        if settings.database_url is None:
            url = running.get("database_url")
            if url is None:
                folder = settings.data_dir / "postgres"
                postgres = EmbeddedPostgres(folder, durable=not throw_away, remove=throw_away)
                url = stack.enter_context(postgres).url
            changed["database_url"] = SecretStr(url)
        if broker and settings.mqtt_url is None:
            changed |= _embedded_broker(settings, running.get("mqtt_url"), stack, throw_away=throw_away)
        complete = settings.model_copy(update=changed)
        _migrate(complete)
        yield complete


def _embedded_broker(
    settings: Settings, running: str | None, stack: ExitStack, *, throw_away: bool
) -> dict[str, object]:
    """Bring up the broker, where none is ``running``, and return the settings that make everybody use it."""
    folder = settings.data_dir / "broker"
    if not settings.broker_auth:
        return {"mqtt_url": running or stack.enter_context(EmbeddedBroker(folder, remove=throw_away)).url}
    given = settings.mqtt_password
    password = given.get_secret_value() if given else _kept_secret(settings, "broker.password")
    embedded = EmbeddedBroker(folder, remove=throw_away, files=first_files(password))
    return {
        "mqtt_url": running or stack.enter_context(embedded).url,
        "mqtt_username": SERVICE_USER,
        "mqtt_password": SecretStr(password),
        "broker_files_dir": embedded.files_folder,
        "broker_reload": f"{RELOAD_BY_PID_FILE}{embedded.files_folder / PID_FILE}",
    }


def _migrate(settings: Settings) -> None:
    try:
        migrate(database_url(settings))
    except DatabaseUnavailableError as error:
        reason = str(error).strip().splitlines()[0]
        raise StopError(f"the database cannot be reached: {reason}; check IOT_DATABASE_URL") from None


@contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Leave the addresses of running embedded engines where other commands on this data folder find them."""
    path = _home(settings) / _RUNNING
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        json.dumps({"database_url": database_url(settings), "mqtt_url": settings.mqtt_url}), encoding="utf-8"
    )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _home(settings: Settings) -> Path:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise StopError(
            f"the data folder {settings.data_dir} cannot be made ({error.strerror}): name another one by IOT_DATA_DIR"
        ) from None
    return settings.data_dir


def running_mqtt_url(settings: Settings) -> str | None:
    """Return the address of the embedded broker of a running ``serve`` on this data folder, or None."""
    return _running(settings).get("mqtt_url")


def _running(settings: Settings) -> dict[str, str]:
    path: Path = settings.data_dir / _RUNNING
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: url for name, url in found.items() if _answers(url)}


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1.0):
            return True
    except OSError:
        return False


def _neighbour(port: int) -> int:
    return port + 1 if port < 65535 else port - 1


def take_port(settings: Settings) -> Settings:
    """Return the settings with a port that is free now; raises StopError that names the option otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StopError(
                    f"port {settings.port} on {settings.host} is taken: "
                    f"choose another with --port {_neighbour(settings.port)} (or IOT_PORT), or --port 0 for a free one"
                ) from None
            if error.errno == errno.EACCES:
                raise StopError(
                    f"port {settings.port} is for root only: choose one above 1023 with --port (or IOT_PORT)"
                ) from None
            raise StopError(
                f"cannot listen on {settings.host} ({error.strerror}): name an address of this machine with --host "
                "(or IOT_HOST), for example 127.0.0.1, or 0.0.0.0 for all of them"
            ) from None
        return settings.model_copy(update={"port": probe.getsockname()[1]})
