"""Keeps Mosquitto's files as the registry is: what changed is read, the files are put anew, the broker reloads them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from iot_service import logs
from iot_service.db import Database
from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS, access_list, has_text, password_line, put_file
from iot_service.engines.passwords import hash_secret, is_secret
from iot_service.engines.topic_rights import SERVICE_USER, TopicRights, gateway_user
from iot_service.registry.store import QUERIES

_log = logs.get(__name__)
_PAUSE = 0.1  # seconds between two reloads
_PAUSE_PER_USER = 10e-6  # seconds more for each user: the broker stands still for a third of it at every reload


class BrokerFilesRunner:
    """Writes the password file and the access list of one broker into ``folder``, and calls ``reload`` after it.

    The lines of all users are kept in memory, so that one more device costs one row and one write of the file. Several
    of these may write into the same folder: they write the same. ``devices`` are the rights that every device has.
    ``service_password`` is the service's own at the broker (None: it has no line in the file).
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        reload: Callable[[], None],
        *,
        devices: TopicRights,
        service_password: str | None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._folder = folder
        self._reload = reload
        self._rights = devices
        self._monotonic = monotonic
        self._sleep = sleep
        self._service = [service_line(folder / PASSWORDS, service_password)] if service_password else []
        self._devices: dict[str, str] = {}
        self._disabled: set[str] = set()
        self._gateways: dict[str, tuple[str, TopicRights]] = {}
        self._horizon = "0"
        self._stale = True
        self._reload_due = False
        self._not_before = 0.0

    def run_once(self) -> int:
        """Bring the files up to date and have the broker reload them; return how many users were changed.

        Changes that come quickly are gathered: between two reloads is a pause, longer where there are many users.
        Raises OSError where the folder cannot be written, RetryError where the broker was not reloaded; what was due
        stays due.
        """
        self._sleep(max(0.0, self._not_before - self._monotonic()))
        changed = self._read()
        if self._stale:
            self._write()
        if self._reload_due:
            self._reload()
            self._reload_due = False
            self._not_before = self._monotonic() + _PAUSE + _PAUSE_PER_USER * len(self._devices)
            _log.info("the broker reads its users anew", action="broker.reloaded", users=len(self._devices))
        return changed

    def _read(self) -> int:
        with self._database.transaction() as connection:
            horizon = QUERIES["horizon"].one(connection)["horizon"]
            rows = QUERIES["changed_credentials"].all(connection, horizon=self._horizon)
            gateways = {
                gateway_user(row["id"]): (
                    password_line(gateway_user(row["id"]), row["secret_hash"]),
                    TopicRights(tuple(row["write_topics"]), tuple(row["read_topics"])),
                )
                for row in QUERIES["enabled_gateways"].all(connection)
            }
        changed = sum(self._take(row["device_id"], row["secret_hash"], disabled=row["disabled"]) for row in rows)
        if gateways != self._gateways:
            changed += len(gateways.items() ^ self._gateways.items())
            self._gateways = gateways
        self._stale = self._stale or changed > 0
        self._horizon = horizon
        return changed

    def _take(self, device_id: str, secret_hash: str | None, *, disabled: bool) -> bool:
        line = password_line(device_id, secret_hash) if secret_hash else None
        before = (self._devices.get(device_id), device_id in self._disabled)
        if line is None:
            self._devices.pop(device_id, None)
        else:
            self._devices[device_id] = line
        (self._disabled.add if disabled else self._disabled.discard)(device_id)
        return before != (line, disabled)

    def _write(self) -> None:
        lines = [*self._service, *(line for line, _ in self._gateways.values()), *self._devices.values()]
        rights = {name: granted for name, (_, granted) in self._gateways.items()}
        texts = {ACCESS_LIST: access_list(rights, self._disabled, self._rights), PASSWORDS: "".join(lines)}
        for name, text in texts.items():
            if not has_text(self._folder / name, text):
                put_file(self._folder / name, [text])
                self._reload_due = True
        self._stale = False


def service_line(file: Path | None, password: str) -> str:
    """Return the line of the service itself in a password file.

    That is the one ``file`` begins with, where it is right, so that nothing is written anew which need not be.
    """
    user = stored = ""
    with suppress(OSError):
        if file is not None:
            with file.open(encoding="utf-8") as lines:
                user, _, stored = lines.readline().rstrip("\n").partition(":")
    if user == SERVICE_USER and is_secret(password, stored):
        return password_line(user, stored)
    return password_line(SERVICE_USER, hash_secret(password, chosen_by_people=True))
