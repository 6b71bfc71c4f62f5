"""What the resources share: a router behind the door, and putting a thing at an address."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from iot_service.api.auth import allow
from iot_service.api.idempotency import Route, idempotent
from iot_service.api.principal import Role
from iot_service.customers.change import Change
from iot_service.errors import InvalidInputError

STAFF = (Role.OPERATOR, Role.INTEGRATION)
"""Who works with the data of every customer."""


def resource(name: str, *roles: Role, keeps_answers: bool = True) -> APIRouter:
    """Return a router at ``/v1/NAME`` that lets callers with one of ``roles`` in, and honours ``Idempotency-Key``.

    ``keeps_answers`` is False where answers hold a secret, which must not be kept: there the key does nothing.
    """
    dependencies = [Depends(allow(*(roles or STAFF)))]
    if keeps_answers:
        dependencies.append(Depends(idempotent))
    return APIRouter(prefix=f"/v1/{name}", tags=[name], route_class=Route, dependencies=dependencies)


def same_id(in_address: str, in_body: str) -> None:
    """Raise InvalidInputError where a body is put at an address that is not its own."""
    if in_address != in_body:
        raise InvalidInputError(f"must be that of the address, {in_address!r}", field="id")


def say(response: Response, change: Change) -> None:
    """Answer 201 where something new was made."""
    if change is Change.CREATED:
        response.status_code = 201
