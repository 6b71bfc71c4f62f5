"""Named queries are read from a package's own file."""

from __future__ import annotations

from iot_service.db import load_queries


def test_a_query_is_found_by_name_without_its_semicolon() -> None:
    query = load_queries("iot_service.db")["finish_todo"]
    assert query.name == "finish_todo"
    assert query.text.endswith("event_id = %(event_id)s")
