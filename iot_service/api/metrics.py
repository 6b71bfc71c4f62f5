"""The figures of this installation, for Prometheus.

They tell how much is going on, and of which kind, but nothing of any customer. Read them from this very machine, with
the token that is made for it, or as an operator.
"""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response

from iot_service import clock
from iot_service.api.auth import ForbiddenError, who_calls
from iot_service.api.dependencies import TheLinks, TheSettings
from iot_service.api.principal import Role
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.links import Links
from iot_service.metrics.exposition import CONTENT_TYPE, page

router = APIRouter(tags=["health"])

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""What a proxy adds: the request comes from somewhere else, though the connection is from this machine."""


@router.get("/metrics", response_class=Response)
def get_metrics(request: Request, settings: TheSettings, links: TheLinks) -> Response:
    """Return the figures as text. With the token or from this machine it does not take the database."""
    if not (_has_token(request, settings) or _from_this_machine(request)):
        _must_be_operator(request, links)
    return Response(page(), media_type=CONTENT_TYPE)


def _has_token(request: Request, settings: Settings) -> bool:
    if settings.metrics_token is None:
        return False
    wanted = f"Bearer {settings.metrics_token.get_secret_value()}"
    return hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted.encode())


def _from_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _must_be_operator(request: Request, links: Links) -> None:
    """Raise UnknownCallerError or ForbiddenError where the caller is no operator."""
    database: Database = request.app.state.database
    with database.transaction() as connection:
        principal = who_calls(request, connection, links, clock.now())
    if principal.role is not Role.OPERATOR:
        raise ForbiddenError(f"a {principal.role} may not do this; it takes the role operator, or IOT_METRICS_TOKEN")
