"""Whether a request comes from our own pages: what cookies need, because browsers send them along for anybody."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def from_our_pages(connection: HTTPConnection, public_url: str | None) -> bool:
    """Return whether the browser says that the request comes from this very site.

    Browsers name the site in ``Sec-Fetch-Site`` or ``Origin``; a request that names neither is refused, because the
    clients that may leave them out use API tokens, not cookies.
    """
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    origin = connection.headers.get("origin")
    if origin is None or origin == "null":
        return fetch_site == "same-origin"
    ours = {connection.headers.get("host", ""), urlsplit(public_url).netloc if public_url else ""}
    return urlsplit(origin).netloc in ours - {""}
