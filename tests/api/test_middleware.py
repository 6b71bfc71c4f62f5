from __future__ import annotations

from collections.abc import Iterator

from starlette.testclient import TestClient

from iot_service.db import Database
from tests.api.callers import Callers


def test_every_answer_carries_the_security_headers(client: TestClient, callers: Callers) -> None:
    for path in ("/healthz", "/v1/customers", "/login", "/l/nonsense", "/no/such/page", "/static/style.css"):
        headers = client.get(path, headers=callers.integration).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "script-src" not in headers["content-security-policy"], path
        assert headers["referrer-policy"] in {"no-referrer", "same-origin"}, path
        assert headers["cache-control"] == ("public, max-age=3600" if "static" in path else "no-store"), path


def test_a_body_that_is_too_large_is_refused_whether_it_tells_its_length_or_not(
    client: TestClient, callers: Callers
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * 50_000

    for body in (b"x" * 1_000_001, chunks()):
        answer = client.put("/v1/customers/anna", content=body, headers=callers.integration)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_health_says_whether_the_database_answers(client: TestClient, database: Database) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
