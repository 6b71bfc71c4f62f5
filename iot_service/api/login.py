"""`/login` and `/logout` of operators: a form, a cookie, and nothing that another site could make a browser do."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from iot_service import clock
from iot_service.api import attempts, operators, sessions
from iot_service.api.auth import ForbiddenError, is_secure, operator_of
from iot_service.api.origin import from_our_pages
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.pages.render import render
from iot_service.pages.texts import preferred

router = APIRouter(tags=["login"], include_in_schema=False)
_FORM_COOKIE = "iot_login"
_INSIDE = re.compile(r"/console(/[A-Za-z0-9_./-]*)?")
_Text = Annotated[str, Form(max_length=1000)]


@router.get("/")
def front_door() -> Response:
    """Send operators to the console; customers and technicians come by their links."""
    return RedirectResponse("/console/", status_code=303)


@router.get("/login")
def show_login(request: Request, next: Annotated[str, Query(max_length=500)] = "") -> Response:  # noqa: A002
    """Show the form, or go on where somebody is logged in already."""
    with _database(request).transaction() as connection:
        operator = operator_of(connection, request, _settings(request), now=clock.now())
    if operator is not None:
        return RedirectResponse(_inside(next), status_code=303)
    return _form(request, next_page=next)


@router.post("/login")
def log_in(
    request: Request,
    email: _Text = "",
    password: _Text = "",
    form_token: _Text = "",
    next: _Text = "",  # noqa: A002  # the form's field
) -> Response:
    """Begin a session, where address and password are right and were not tried too often."""
    told = {"next_page": next, "email": email}
    expected = request.cookies.get(_FORM_COOKIE, "")
    fresh = bool(expected) and hmac.compare_digest(expected.encode(), form_token.encode())
    if not fresh or not from_our_pages(request, _settings(request).public_url):
        return _form(request, wrong="stale", status=403, **told)
    address = request.client.host if request.client else "unknown"
    with _database(request).transaction() as connection:
        wait = attempts.note(connection, email=email, address=address, now=clock.now())
    if wait:
        response = _form(request, wrong="slow", status=429, **told)
        response.headers["Retry-After"] = str(wait)
        return response
    with _database(request).transaction() as connection:
        operator_id = operators.verify(connection, email, password)
        if operator_id is None:
            return _form(request, wrong="wrong", status=401, **told)
        attempts.succeeded(connection, email=email)
        before = request.cookies.get(_session_cookie(request))
        if before:
            sessions.end(connection, before)
        token = sessions.begin(connection, operator_id, now=clock.now())
    response = RedirectResponse(_inside(next), status_code=303)
    response.set_cookie(
        _session_cookie(request),
        token,
        max_age=int(sessions.LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request, _settings(request)),
    )
    response.delete_cookie(_FORM_COOKIE, path="/login")
    return response


@router.post("/logout")
def log_out(request: Request, csrf_token: _Text = "") -> Response:
    """End the session that the form belongs to. Raises ForbiddenError for a form that is not ours."""
    with _database(request).transaction() as connection:
        operator = operator_of(connection, request, _settings(request), now=clock.now())
        if operator is not None:
            ours = hmac.compare_digest(operator.csrf_token.encode(), csrf_token.encode())
            if not ours or not from_our_pages(request, _settings(request).public_url):
                raise ForbiddenError("log out by the button in the console")
            sessions.end(connection, request.cookies[_session_cookie(request)])
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(
        _session_cookie(request), httponly=True, samesite="lax", secure=is_secure(request, _settings(request))
    )
    return response


def _form(request: Request, *, next_page: str, email: str = "", wrong: str = "", status: int = 200) -> Response:
    form_token = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(32)
    values = {"form_token": form_token, "next": _inside(next_page), "email": email, "wrong": wrong}
    locale = preferred(request.headers.get("accept-language", ""))
    response = render("login.html", locale, values, status=status, referrer="same-origin")
    secure = is_secure(request, _settings(request))
    response.set_cookie(_FORM_COOKIE, form_token, httponly=True, samesite="strict", secure=secure, path="/login")
    return response


def _inside(page: str) -> str:
    """Return ``page`` where it is one of the console's, else the console's first: a login leads nowhere else."""
    return page if _INSIDE.fullmatch(page) and ".." not in page else "/console/"


def _session_cookie(request: Request) -> str:
    return sessions.cookie_name(secure=is_secure(request, _settings(request)))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
