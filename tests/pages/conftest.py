from __future__ import annotations

from tests.api.conftest import app, callers, catalog, client, links, settings

__all__ = ["app", "callers", "catalog", "client", "links", "settings"]
