"""Mosquitto's password file and access list: their text, and how they take the place of older ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from iot_service.engines.topic_rights import SERVICE_RIGHTS, SERVICE_USER, TopicRights, covers

PASSWORDS = "passwords"
ACCESS_LIST = "mosquitto.acl"
_HEAD = """\
# Who may do what at the broker. Written by the service: changes made here are lost.

# The service hears everything that devices and gateways say (shared subscriptions are checked by the plain topic).
"""
_DEVICES = "\n# A device, whose user name is its device id, speaks and listens for itself only.\n"
_GATEWAY = "\n# A gateway speaks for several devices, by the topics that it was given.\n"
_DENIED = "\n# Disabled devices: a client certificate lets them connect, and nothing more.\n"


def password_line(username: str, secret_hash: str) -> str:
    """Return one line of the password file."""
    return f"{username}:{secret_hash}\n"


def access_list(gateways: Mapping[str, TopicRights], disabled: Iterable[str], devices: TopicRights) -> str:
    """Return the access list: ``gateways`` by user name, the ids of devices that are ``disabled``.

    ``devices`` are the rights that every device has, with ``%u`` for its user name.
    """
    parts = [_HEAD, _block(SERVICE_USER, SERVICE_RIGHTS)]
    parts += [_GATEWAY + _block(name, gateways[name]) for name in sorted(gateways)]
    denied = sorted(disabled)
    if denied:
        parts += [_DENIED, *(_denial(name, devices) for name in denied)]
    patterns = [f"pattern write {each}\n" for each in devices.write]
    patterns += [f"pattern read {each}\n" for each in devices.read]
    return "".join([*parts, _DEVICES, *patterns])


def put_file(path: Path, parts: Iterable[str]) -> None:
    """Put a new file in the place of ``path`` in one step, readable for its folder's owner and group only.

    Who reads meanwhile reads the old one or the new one, never half of one. Raises OSError.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    folder = path.parent.stat()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            with contextlib.suppress(PermissionError):  # only root gives away; else the folder's group must be ours
                os.fchown(descriptor, folder.st_uid if os.geteuid() == 0 else -1, folder.st_gid)
            os.fchmod(descriptor, 0o640)
            file.writelines(parts)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def has_text(path: Path, text: str) -> bool:
    """Return whether the file at ``path`` says exactly ``text``."""
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _denial(name: str, devices: TopicRights) -> str:
    """Return the block of a disabled device: all of its own topics, and those that formats of their own have."""
    own = f"iot/v1/{name}/#"
    others = [topic for topic in (*devices.of(name).write, *devices.of(name).read) if not covers(own, topic)]
    return f"user {name}\n" + "".join(f"topic deny {topic}\n" for topic in (own, *others))


def _block(username: str, rights: TopicRights) -> str:
    lines = [f"user {username}\n"]
    lines += [f"topic read {each}\n" for each in rights.read]
    lines += [f"topic write {each}\n" for each in rights.write]
    return "".join(lines)
