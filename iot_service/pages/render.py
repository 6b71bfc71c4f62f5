"""From a template to a page: the look, the language, and the headers that keep a page private."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from iot_service.model.customer import Locale
from iot_service.pages.texts import metric_name, say

STYLE = (Path(__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
"""The one stylesheet of pages and login."""

_environment = Environment(
    loader=PackageLoader("iot_service.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def render(
    template: str, locale: Locale, values: dict[str, Any], *, status: int = 200, referrer: str = "no-referrer"
) -> HTMLResponse:
    """Return the page of ``template``, in the language of ``locale``.

    ``referrer`` is the page's referrer policy: the address of a page opened by a link is a secret.
    """
    text = _environment.get_template(template).render(
        **values, locale=locale, t=partial(_say, locale), metric=partial(_metric, locale)
    )
    return HTMLResponse(text, status_code=status, headers={**_HEADERS, "Referrer-Policy": referrer})


def _say(locale: Locale, key: str, **values: object) -> str:
    return say(key, locale, **values)


def _metric(locale: Locale, name: str) -> str:
    return metric_name(name, locale)
