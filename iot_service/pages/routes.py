"""`/l/{token}`: opening a link shows a page and changes nothing; sending one of its forms acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query
from fastapi import Form as Field
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from iot_service import clock
from iot_service.config import Settings
from iot_service.db import Connection, Database
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.links import LinkPurpose, Links, Person
from iot_service.model.customer import Locale
from iot_service.notify.words import Words
from iot_service.pages import appointment, home, job, message, order, proposal
from iot_service.pages.render import STYLE, render
from iot_service.pages.texts import TEXTS, preferred
from iot_service.pages.visit import Form, LinkedPage, Visit, find_person
from iot_service.products.catalog import Catalog

PAGES: dict[tuple[LinkPurpose, Person], LinkedPage] = {
    (LinkPurpose.HOME, Person.CUSTOMER): home.PAGE,
    (LinkPurpose.APPOINTMENT, Person.CUSTOMER): appointment.PAGE,
    (LinkPurpose.PROPOSAL, Person.CUSTOMER): proposal.PAGE,
    (LinkPurpose.ORDER, Person.CUSTOMER): order.PAGE,
    (LinkPurpose.NOTIFICATION, Person.CUSTOMER): message.PAGE,
    (LinkPurpose.NOTIFICATION, Person.TECHNICIAN): message.TECHNICIANS_PAGE,
    (LinkPurpose.JOB, Person.TECHNICIAN): job.PAGE,
}
"""What each kind of link opens, and for whom."""

_Text = Annotated[str, Field(max_length=2000)]


def make_router(database: Database, catalog: Catalog, links: Links, settings: Settings) -> APIRouter:
    """Return the routes of the pages. Each request is one transaction, committed before the answer is sent."""
    router = APIRouter(tags=["pages"], include_in_schema=False)
    pages = _Pages(database, catalog, links, settings)

    @router.get("/static/style.css")
    def style() -> Response:
        """Return the stylesheet of the pages."""
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @router.get("/l/{token}")
    def show(
        token: str,
        said: Annotated[str, Query(max_length=20)] = "",
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
        accept_language: Annotated[str, Header()] = "",
    ) -> Response:
        """Show what the link is for."""
        return pages.show(token, said=said, before=before, reads=preferred(accept_language))

    @router.post("/l/{token}")
    def act(
        token: str,
        action: _Text = "",
        starts_at: _Text = "",
        need: _Text = "",
        home: _Text = "",
        accept_language: Annotated[str, Header()] = "",
    ) -> Response:
        """Do what one of the page's buttons says."""
        return pages.act(token, Form(action, starts_at, need), home=home, reads=preferred(accept_language))

    return router


class _Pages:
    def __init__(self, database: Database, catalog: Catalog, links: Links, settings: Settings) -> None:
        self._database = database
        self._catalog = catalog
        self._links = links
        self._settings = settings

    def show(self, token: str, *, said: str, before: int | None, reads: Locale) -> Response:
        known = said if f"said.{said}" in TEXTS else ""
        return self._open(token, lambda visit, page: self._render(visit, page, said=known), before=before, reads=reads)

    def act(self, token: str, form: Form, *, home: str, reads: Locale) -> Response:
        def do(visit: Visit, page: LinkedPage) -> Response:
            action = page.actions.get(form.action)
            if action is None:
                raise InvalidInputError("choose one of the buttons", field="action")
            said = action(visit, form)
            back = home if home and self._is_home_of(home, visit) else token
            return RedirectResponse(f"/l/{back}?{urlencode({'said': said})}", status_code=303)

        try:
            return self._open(token, do, reads=reads)
        except ConflictError as error:
            said, detail, status = "conflict", str(error), 409
        except InvalidInputError:
            said, detail, status = "unclear", "", 422

        def explain(visit: Visit, page: LinkedPage) -> Response:
            shown = detail if visit.locale is Locale.EN else ""  # the stages' sentences are English
            return self._render(visit, page, said=said, detail=shown, status=status)

        return self._open(token, explain, reads=reads)

    def _open(
        self,
        token: str,
        then: Callable[[Visit, LinkedPage], Response],
        *,
        reads: Locale,
        before: int | None = None,
    ) -> Response:
        """Open a link in a transaction; whoever may not see what it is for sees that it does not work, and no more."""
        try:
            with self._database.transaction() as connection:
                visit, page = self._visit(connection, token, before)
                return then(visit, page)
        except NotFoundError:
            return render("gone.html", reads, {}, status=404)

    def _visit(self, connection: Connection, token: str, before: int | None) -> tuple[Visit, LinkedPage]:
        now = clock.now()
        link = self._links.read(token, now=now)
        page = PAGES.get((link.purpose, link.person))
        if page is None:
            raise NotFoundError("this link opens no page")
        person = find_person(connection, link)
        locale = Locale(person["locale"])
        visit = Visit(
            connection=connection,
            catalog=self._catalog,
            settings=self._settings,
            links=self._links,
            now=now,
            link=link,
            token=token,
            name=person["name"],
            locale=locale,
            words=Words(locale, person["time_zone"]),
            home=token if link.purpose is LinkPurpose.HOME else "",
            before=before,
        )
        return visit, page

    def _render(self, visit: Visit, page: LinkedPage, *, said: str, detail: str = "", status: int = 200) -> Response:
        shown = page.show(visit)
        values = {**shown.values, "said": said, "detail": detail, "token": visit.token, "home": visit.home}
        return render(shown.template, visit.locale, values, status=status)

    def _is_home_of(self, token: str, visit: Visit) -> bool:
        try:
            link = self._links.read(token, now=visit.now)
        except NotFoundError:
            return False
        return (link.purpose, link.person, link.person_id) == (LinkPurpose.HOME, visit.link.person, visit.person_id)
