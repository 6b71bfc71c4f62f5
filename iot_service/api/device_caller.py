"""A device that calls by itself: it shows the secret that lets it into the broker, at its own address only."""

from __future__ import annotations

import base64
import binascii

_MOST = 1000  # characters


def credential_of(authorization: str, device_id: str) -> str | None:
    """Return the secret that an Authorization header shows for the device, or None where it shows none.

    ``Bearer SECRET`` speaks for the device of the address; ``Basic`` names the device too, which must be the same.
    """
    scheme, _, text = authorization.partition(" ")
    text = text.strip()
    if not text or len(text) > _MOST:
        return None
    if scheme.lower() == "bearer":
        return text
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return secret if name == device_id else None
