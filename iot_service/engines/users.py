"""Which user an engine runs as: ourselves, or somebody without rights when we are root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine by his numbers."""

    name: str
    uid: int
    gid: int


def engine_user(*names: str, owner_of: Path | None = None) -> User | None:
    """Return the user that an engine shall run as, or None when that is ourselves because we are not root.

    As root that is the owner of ``owner_of``, if that exists and is not root's, so that data once made stays readable;
    else the first of ``names`` that exists; else the user of number 65534, nobody by custom.
    """
    if os.geteuid() != 0:
        return None
    if owner_of is not None and owner_of.exists() and owner_of.stat().st_uid != 0:
        about = owner_of.stat()
        return User(str(about.st_uid), about.st_uid, about.st_gid)
    for name in (*names, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    return User("nobody", 65534, 65534)


def make_folder(folder: Path, user: User | None, *, mode: int = 0o700) -> None:
    """Create ``folder`` (and what is above it) if it is missing, for ``user`` (None: ourselves) with ``mode``."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    folder.chmod(mode)
    if user is not None:
        os.chown(folder, user.uid, user.gid)
