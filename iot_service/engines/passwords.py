"""Secrets of machines: made here, told once, and kept as a salted hash that the broker can read as well.

The stored text is a line of Mosquitto's password file (``$7$``, PBKDF2 with SHA-512), so that one value serves the
broker and the API. Rounds protect secrets that people choose; ours have 192 random bits, which nobody can guess at any
speed. So one round is enough, and it has to be: Mosquitto checks the password of every connected client again at each
reload, in its only thread.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets

_ROUNDS = 1
_ROUNDS_FOR_PEOPLE = 1000
_SALT_BYTES = 12  # Mosquitto 2.0 takes no other length
_PREFIX = "ds_"


def new_secret() -> str:
    """Return a fresh secret of 192 random bits, printable, and told from other credentials by its first letters."""
    return _PREFIX + secrets.token_urlsafe(24)


def hash_secret(secret: str, *, chosen_by_people: bool = False) -> str:
    """Return ``secret`` as it is stored; ``chosen_by_people`` adds rounds for one that may be guessed."""
    rounds = _ROUNDS_FOR_PEOPLE if chosen_by_people else _ROUNDS
    salt = os.urandom(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_secret(secret: str, stored: str) -> bool:
    """Return whether ``stored`` was made of ``secret``, False where it is no such text at all.

    The time taken tells nothing about either.
    """
    try:
        _, kind, rounds, salt, digest = stored.split("$")
        expected = base64.b64decode(digest, validate=True)
        found = hashlib.pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(salt, validate=True), int(rounds))
    except (ValueError, binascii.Error):
        return False
    return kind == "7" and hmac.compare_digest(found, expected)
