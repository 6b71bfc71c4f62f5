"""Errors as RFC 9457 problem details, mapped in this one place."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from iot_service import logs
from iot_service.api.auth import ForbiddenError, UnknownCallerError
from iot_service.api.idempotency import AnsweredBeforeError
from iot_service.db import ClashError, DatabaseUnavailableError, UnstorableError
from iot_service.errors import ConflictError, InvalidFieldsError, InvalidInputError, NotFoundError, ServiceError

_log = logs.get(__name__)
_STATUS: dict[type[ServiceError], HTTPStatus] = {
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    UnknownCallerError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
}


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem document: ``detail`` is one sentence for people, ``errors`` name fields with what is wrong."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if errors:
        content["errors"] = errors
    return JSONResponse(content, status_code=status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error as a problem document."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DatabaseUnavailableError, no_database)
    app.add_exception_handler(UnstorableError, _unstorable)
    app.add_exception_handler(ClashError, _clash)
    app.add_exception_handler(Exception, _unexpected)


def _service_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, AnsweredBeforeError):
        return error.answer
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        return _unexpected(_request, error)
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    if isinstance(error, InvalidInputError):
        errors = [{"field": error.field, "message": error.detail}] if error.field else None
        if isinstance(error, InvalidFieldsError):
            errors = [{"field": field, "message": message} for field, message in error.problems]
        return problem(status, str(error), errors=errors)
    return problem(status, str(error), headers=headers)


def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = []
    for detail in error.errors():
        place = [str(part) for part in detail["loc"] if part not in {"body", "query", "path", "header"}]
        if detail["type"] == "json_invalid":
            errors.append({"field": "", "message": f"the body is not JSON: {detail['ctx']['error']}"})
            continue
        message = str(detail["msg"]).removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = "there is no such field; leave it out"
        errors.append({"field": ".".join(place), "message": message})
    said = "; ".join(f"{each['field']}: {each['message']}" if each["field"] else each["message"] for each in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, said, errors=errors)


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    said = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take this method",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is too large",
    }
    detail = str(error.detail)
    if detail == status.phrase:  # nobody said more
        detail = said.get(status, detail)
    return problem(status, detail, headers=dict(error.headers or {}))


def no_database(_request: object, error: Exception) -> Response:
    """Answer that the database is away (an exception handler; what stands before the application uses it as well)."""
    _log.warning("the database did not answer a request", action="api.no_database", error=type(error).__name__)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; try again", headers={"Retry-After": "5"}
    )


def _unstorable(_request: Request, error: Exception) -> Response:
    """A NUL in a text, a number or a time beyond what the database keeps: wherever in the request it stands."""
    _log.warning("a value cannot be stored", action="api.unstorable", error=type(error).__name__)
    detail = "a value cannot be stored: texts have no NUL character, numbers and times are not beyond all bounds"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _clash(_request: Request, error: Exception) -> Response:
    _log.warning("two requests clashed", action="api.clash", error=type(error).__name__)
    return problem(
        HTTPStatus.CONFLICT, "this clashes with what somebody else did at the same time; look, and try again"
    )


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("a request failed", action="api.failed", method=request.method, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; it has been logged")
