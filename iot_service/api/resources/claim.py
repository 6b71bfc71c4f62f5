"""Zero-touch: a device that holds the claim key of its product registers itself, once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints, model_validator

from iot_service import clock
from iot_service.api import attempts
from iot_service.api.dependencies import TheCatalog, TheSettings
from iot_service.api.problems import problem
from iot_service.customers.fields import Id
from iot_service.customers.inputs import Input
from iot_service.db import Database
from iot_service.errors import ServiceError
from iot_service.registry import claims

router = APIRouter(prefix="/v1/claim", tags=["claim"])
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ClaimInput(Input):
    """What a device shows and says of itself: its id, or its serial number where it knows no id."""

    claim_key: Text
    product: Text
    device_id: Id | None = None
    serial: Text | None = None

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.device_id is None) == (self.serial is None):
            raise ValueError("name the device by device_id or by serial, and not by both")
        return self


@router.post("", status_code=201)
def claim(request: Request, catalog: TheCatalog, settings: TheSettings, body: ClaimInput) -> Response:
    """Register the calling device, and answer its id and its own secret, this once.

    403: the key is not in force for this product; 409: a device with this id is registered already, which is on
    record; 429: too many claims from one address, try again after ``Retry-After``.
    """
    database: Database = request.app.state.database
    address = request.client.host if request.client else "unknown"
    limits = {f"claim:{address}": settings.claims_per_address}
    with database.transaction() as connection:
        wait = attempts.count(connection, limits, now=clock.now())
    if wait:
        headers = {"Retry-After": str(wait)}
        return problem(HTTPStatus.TOO_MANY_REQUESTS, "too many claims from your address; wait", headers=headers)
    device_id = body.device_id or claims.id_of_serial(body.product, body.serial or "")
    refused: ServiceError
    with database.transaction() as connection:
        try:
            secret = claims.claim(
                connection, body.claim_key, device_id=device_id, product=body.product, catalog=catalog, now=clock.now()
            )
            return JSONResponse({"device_id": device_id, "secret": secret}, status_code=HTTPStatus.CREATED)
        except claims.ClaimRefusedError as error:
            status, refused = HTTPStatus.FORBIDDEN, error
        except claims.AlreadyClaimedError as error:  # its event is committed
            status, refused = HTTPStatus.CONFLICT, error
    return problem(status, str(refused))
