"""Telemetry and events by HTTP: what a device would publish over MQTT, posted with its own secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from iot_service import metrics
from iot_service.api import tokens
from iot_service.api.auth import ForbiddenError, who_calls
from iot_service.api.dependencies import Now, TheLinks, Transaction
from iot_service.api.device_caller import credential_of
from iot_service.api.principal import Principal, Role
from iot_service.api.problems import problem
from iot_service.api.resources.routing import STAFF
from iot_service.ingest.http import HttpDoor, Taken, TooLargeError, bounded, decompressed
from iot_service.ingest.reasons import Reason
from iot_service.ingest.topics import TopicKind
from iot_service.registry.credentials import verify_device

router = APIRouter(prefix="/v1/devices", tags=["telemetry"])
_TYPES = ("application/json", "application/senml+json")
_SHOWN = 100  # faults in an answer


class FaultOutput(BaseModel):
    """One thing that could not be stored: the reason, and in words what would be right."""

    reason: str
    detail: str


class TakenOutput(BaseModel):
    """What is stored now: how many readings, attributes and events; and what is not. ``faults`` are the first 100."""

    stored: int
    faults: list[FaultOutput]
    fault_count: int


async def _payload(request: Request) -> bytes:
    """Return the plain payload; raises HTTPException 415, TooLargeError, InvalidInputError."""
    media_type = request.headers.get("content-type", _TYPES[0]).partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        detail = f"the content type is {media_type[:80]!r}; send {' or '.join(_TYPES)}"
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        detail = f"the content encoding is {encoding[:80]!r}; send gzip, or plain"
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    body = await request.body()
    try:
        return decompressed(body) if encoding == "gzip" else bounded(body)
    except TooLargeError as error:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.detail) from None


Payload = Annotated[bytes, Depends(_payload)]


def _sender_of(request: Request, connection: Transaction, links: TheLinks, now: Now, device_id: str) -> Principal:
    """Return who sends: the device of the address, by its secret, or staff; raises as ``who_calls`` does."""
    secret = credential_of(request.headers.get("authorization", ""), device_id)
    if secret and not secret.startswith(tokens.PREFIX) and verify_device(connection, device_id, secret):
        return Principal(Role.DEVICE, f"device:{device_id}", person_id=device_id)
    caller = who_calls(request, connection, links, now)
    if caller.role not in STAFF:
        raise ForbiddenError(f"a {caller.role} may not do this; it takes the device's secret, or an API token")
    return caller


Sender = Annotated[Principal, Depends(_sender_of)]


def _door(request: Request) -> HttpDoor:
    door: HttpDoor = request.app.state.http_door
    return door


TheDoor = Annotated[HttpDoor, Depends(_door)]
_DOCUMENTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}}
            for media_type in _TYPES
        },
    }
}


# The payload comes first: while a slow client sends it, no connection of the database is held for it.


@router.post("/{device_id}/telemetry", response_model=TakenOutput, openapi_extra=_DOCUMENTED)
def post_telemetry(
    payload: Payload, connection: Transaction, _sender: Sender, door: TheDoor, now: Now, device_id: str
) -> Response:
    """Store readings and attributes of a device: the JSON of its MQTT topic, or SenML; gzip is welcome.

    At most 256 KB, unpacked, and 10,000 values. Send ``ts``: with it, what is sent again is stored once.
    """
    return _answer(door.take(connection, device_id, TopicKind.TELEMETRY, payload, now=now))


@router.post("/{device_id}/events", response_model=TakenOutput, openapi_extra=_DOCUMENTED)
def post_events(
    payload: Payload, connection: Transaction, _sender: Sender, door: TheDoor, now: Now, device_id: str
) -> Response:
    """Store events that a device tells of, one or a list, as on its MQTT topic."""
    return _answer(door.take(connection, device_id, TopicKind.EVENT, payload, now=now))


def _answer(taken: Taken) -> Response:
    """Answer 200 when something is stored, else say why not. Dead letters are kept either way: nothing is raised.

    It is counted when the answer has gone out, and so is committed.
    """
    response = _said(taken)
    response.background = BackgroundTask(_count, taken)
    return response


async def _count(taken: Taken) -> None:
    metrics.observe_stored(messages=1, readings=taken.readings, dead_letters=taken.reasons)


def _said(taken: Taken) -> Response:
    shown = [{"reason": fault.reason.value, "detail": fault.detail} for fault in taken.faults[:_SHOWN]]
    if taken.stored == 0 and taken.faults:
        too_large = all(fault.reason is Reason.TOO_LARGE for fault in taken.faults)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.UNPROCESSABLE_ENTITY
        return problem(status, taken.faults[0].detail, errors=shown)
    content = TakenOutput(
        stored=taken.stored, faults=[FaultOutput(**fault) for fault in shown], fault_count=taken.fault_count
    )
    return Response(content.model_dump_json(), media_type="application/json")
