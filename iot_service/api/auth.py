"""Who calls, and what that caller may do."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from iot_service.api import sessions, tokens
from iot_service.api.dependencies import Now, TheLinks, Transaction
from iot_service.api.origin import SAFE_METHODS, from_our_pages
from iot_service.api.principal import Principal, Role
from iot_service.config import Settings
from iot_service.db import Connection
from iot_service.errors import NotFoundError, ServiceError
from iot_service.links import LinkPurpose, Links, Person


class UnknownCallerError(ServiceError):
    """Nobody we know is calling: a token or a login is missing, or not in force."""


class ForbiddenError(ServiceError):
    """We know the caller, who may not do this."""


def is_secure(connection: HTTPConnection, settings: Settings) -> bool:
    """Return whether people reach us over HTTPS, so that cookies may and must be secure."""
    return connection.url.scheme in {"https", "wss"} or (settings.public_url or "").startswith("https:")


def operator_of(
    connection: Connection, request: HTTPConnection, settings: Settings, *, now: datetime
) -> Principal | None:
    """Return the operator whose session cookie came along, or None."""
    cookie = request.cookies.get(sessions.cookie_name(secure=is_secure(request, settings)))
    return sessions.find(connection, cookie, now=now) if cookie else None


def who_calls(request: Request, connection: Transaction, links: TheLinks, now: Now) -> Principal:
    """Return the caller; raises UnknownCallerError, and ForbiddenError where a cookie alone would change something."""
    settings: Settings = request.app.state.settings
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential:
        return _bearer(connection, credential.strip(), links, now)
    operator = operator_of(connection, request, settings, now=now)
    if operator is None:
        raise UnknownCallerError("log in, or send an API token as 'Authorization: Bearer …'")
    if request.method not in SAFE_METHODS:
        token = request.headers.get("x-csrf-token", "")
        ours = hmac.compare_digest(token.encode(), operator.csrf_token.encode())
        if not ours or not from_our_pages(request, settings.public_url):
            raise ForbiddenError("with a login cookie, send the session's X-CSRF-Token from our own pages")
    return operator


def _bearer(connection: Connection, credential: str, links: Links, now: datetime) -> Principal:
    if credential.startswith(tokens.PREFIX):
        principal = tokens.find(connection, credential, now=now)
        if principal is None:
            raise UnknownCallerError("this API token is not in force; ask an operator for a new one")
        return principal
    try:
        link = links.read(credential, now=now)
    except NotFoundError:
        raise UnknownCallerError("this token is not valid, or has expired") from None
    if link.purpose is not LinkPurpose.HOME:
        raise UnknownCallerError("the token of a link opens its page only; use that of the home page")
    role = Role.CUSTOMER if link.person is Person.CUSTOMER else Role.TECHNICIAN
    return Principal(role, f"{role}:{link.person_id}", person_id=link.person_id)


Current = Annotated[Principal, Depends(who_calls)]
"""The caller. Nobody we know is answered 401."""


def allow(*roles: Role) -> Callable[[Principal], None]:
    """Return a dependency that lets only callers with one of ``roles`` in; others are answered 403."""

    def check(principal: Current) -> None:
        if principal.role not in roles:
            raise ForbiddenError(f"a {principal.role} may not do this; it takes the role {' or '.join(roles)}")

    return check
