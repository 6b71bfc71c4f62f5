from __future__ import annotations

from datetime import timedelta

from iot_service.api import attempts, sessions
from iot_service.api.housekeeping import tidy
from iot_service.api.operators import add_operator
from iot_service.db import Database
from tests.factories import NOW, insert


def test_what_is_no_longer_needed_is_forgotten_and_the_rest_stays(database: Database) -> None:
    with database.transaction() as connection:
        operator_id = add_operator(connection, "ola@example.com", "Ola", "a long enough password", NOW)
        for at in (NOW - timedelta(days=3), NOW):
            sessions.begin(connection, operator_id, now=at)
            attempts.note(connection, email="ola@example.com", address="192.0.2.1", now=at)
            insert(connection, "idempotency", caller="x", key=str(at), request_hash=b"", status=200, body=b"",
                   created_at=at)  # fmt: skip
        assert tidy(connection, now=NOW) == 4
        assert tidy(connection, now=NOW) == 0
