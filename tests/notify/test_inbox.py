from __future__ import annotations

from datetime import timedelta

import pytest

from iot_service.db import Database
from iot_service.errors import NotFoundError
from iot_service.notify.compose import ComposeRunner
from iot_service.notify.inbox import inbox, mark_read, since
from iot_service.notify.message import RecipientKind
from tests.factories import NOW
from tests.notify.scenes import SCENES, make_world

ANNA = (RecipientKind.CUSTOMER, "anna")


@pytest.fixture
def filled(database: Database, composer: ComposeRunner) -> Database:
    """Anna has three messages, and the technician has one."""
    with database.transaction() as connection:
        make_world(connection)
        for name in ("appointment_booked", "order_pending", "job_dispatched", "fault_minor"):
            SCENES[name][1](connection)
    composer.run_once()
    return database


def test_the_inbox_shows_the_newest_first_a_page_at_a_time(filled: Database) -> None:
    with filled.transaction() as connection:
        first = inbox(connection, *ANNA, before=None, limit=2)
        second = inbox(connection, *ANNA, before=first[-1].id, limit=2)
    assert [message.template for message in first] == ["fault_minor", "order_pending"]
    assert [message.template for message in second] == ["appointment_booked"]
    assert second[0].subject == "Volvo EX40: time mandag 23. november"
    assert second[0].created_at == NOW
    assert second[0].read_at is None


def test_what_came_since_is_live(filled: Database) -> None:
    with filled.transaction() as connection:
        everything = since(connection, *ANNA, after_id=0)
        newer = since(connection, *ANNA, after_id=everything[0].id)
        nothing = since(connection, *ANNA, after_id=everything[-1].id)
    assert [message.template for message in everything] == ["appointment_booked", "order_pending", "fault_minor"]
    assert newer == everything[1:]
    assert nothing == []


def test_each_person_sees_only_her_own(filled: Database) -> None:
    with filled.transaction() as connection:
        kari = inbox(connection, RecipientKind.TECHNICIAN, "kari", before=None, limit=10)
        mixed = inbox(connection, RecipientKind.TECHNICIAN, "anna", before=None, limit=10)
    assert [message.template for message in kari] == ["job_dispatched"]
    assert mixed == []


def test_a_message_is_read_once(filled: Database) -> None:
    with filled.transaction() as connection:
        message_id = inbox(connection, *ANNA, before=None, limit=1)[0].id
        for later in (NOW, NOW + timedelta(hours=1)):
            mark_read(connection, message_id, recipient_kind=RecipientKind.CUSTOMER, recipient_id="anna", now=later)
        assert inbox(connection, *ANNA, before=None, limit=1)[0].read_at == NOW


def test_nobody_reads_anothers_message(filled: Database) -> None:
    with filled.transaction() as connection:
        message_id = inbox(connection, *ANNA, before=None, limit=1)[0].id
        with pytest.raises(NotFoundError, match="no message"):
            mark_read(connection, message_id, recipient_kind=RecipientKind.TECHNICIAN, recipient_id="kari", now=NOW)
        assert inbox(connection, *ANNA, before=None, limit=1)[0].read_at is None
