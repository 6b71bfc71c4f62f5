from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog

from iot_service import clock
from iot_service.db import Database
from iot_service.errors import DropError, RetryError
from iot_service.notify import store
from iot_service.notify.message import Channel, Outgoing
from iot_service.notify.runner import BACKOFF, LEASE, SendRunner
from tests.factories import NOW, insert, make_customer
from tests.notify.transports.fake import FakeTransport

Delivery = Callable[[], dict[str, Any]]


@pytest.fixture
def queued(database: Database) -> Delivery:
    """One SMS that waits; call it for its row."""
    clock.freeze(NOW)
    with database.transaction() as connection:
        make_customer(connection)
        add_sms(connection, "+4790000001")

    def row() -> dict[str, Any]:
        with database.transaction() as connection:
            found = connection.execute("SELECT * FROM delivery ORDER BY id LIMIT 1").fetchone()
        assert found is not None
        return found

    return row


def add_sms(connection: Any, address: str, *, channel: str = "sms") -> None:
    event = insert(connection, "event", at=NOW, type="order.pending", subject_id="1", actor="service", reason="a test")
    message = insert(
        connection, "notification", event_id=event["id"], recipient_kind="customer", recipient_id="anna",
        template="order_pending", locale="nb", subject="Vi sender kapsler", short_text="Vi sender kapsler: L",
        body="Hei!\n", created_at=NOW,
    )  # fmt: skip
    insert(
        connection, "delivery", notification_id=message["id"], channel=channel, address=address, state="queued",
        wake_at=NOW,
    )  # fmt: skip


class Raising:
    """A transport that raises what it is given, or calls it first."""

    def __init__(self, error: Exception | None = None, *, before: Callable[[Outgoing], object] | None = None) -> None:
        self.calls = 0
        self._error, self._before = error, before

    def send(self, message: Outgoing) -> str:
        self.calls += 1
        if self._before is not None:
            self._before(message)
        if self._error is not None:
            raise self._error
        return "id"


def test_what_waits_is_sent_and_written_down(database: Database, queued: Delivery) -> None:
    fake = FakeTransport()
    runner = SendRunner(database, {Channel.SMS: fake})
    assert runner.run_once() == 1
    assert [(message.address, message.text.short) for message in fake.sent] == [("+4790000001", "Vi sender kapsler: L")]
    row = queued()
    assert (row["state"], row["attempts"], row["sent_at"], row["wake_at"]) == ("sent", 1, NOW, None)
    assert row["provider_id"] == f"fake-{row['id']}"
    assert runner.run_once() == 0


def test_nothing_is_sent_inside_a_transaction(database: Database, queued: Delivery) -> None:
    seen: list[str] = []
    transport = Raising(before=lambda _: seen.append(queued()["state"]))  # another connection sees the claim
    assert SendRunner(database, {Channel.SMS: transport}).run_once() == 1
    assert seen == ["sending"]


def test_a_gateway_that_is_away_is_asked_again_later_and_later(database: Database, queued: Delivery) -> None:
    runner = SendRunner(database, {Channel.SMS: FakeTransport(away=True)})
    waits = []
    for _ in BACKOFF:
        assert runner.run_once() == 1
        row = queued()
        assert (row["state"], row["error"]) == ("queued", "the gateway is away")
        waits.append(row["wake_at"] - clock.now())
        assert runner.run_once() == 0
        clock.freeze(row["wake_at"])
    assert waits == [*BACKOFF]
    assert runner.run_once() == 1
    assert (queued()["state"], queued()["attempts"]) == ("failed", len(BACKOFF) + 1)


def test_a_message_that_went_through_in_the_end_has_no_error(database: Database, queued: Delivery) -> None:
    fake = FakeTransport(away=True)
    runner = SendRunner(database, {Channel.SMS: fake})
    runner.run_once()
    fake.away = False
    clock.freeze(NOW + BACKOFF[0])
    assert runner.run_once() == 1
    assert (queued()["state"], queued()["attempts"], queued()["error"]) == ("sent", 2, None)


def test_what_is_refused_for_good_has_failed_and_holds_up_nothing(database: Database, queued: Delivery) -> None:
    fake = FakeTransport()
    with database.transaction() as connection:
        connection.execute("UPDATE delivery SET address = '@@'")
        add_sms(connection, "+4790000002")
    assert SendRunner(database, {Channel.SMS: fake}).run_once() == 2
    assert (queued()["state"], queued()["attempts"]) == ("failed", 1)
    assert [message.address for message in fake.sent] == ["+4790000002"]


@pytest.mark.parametrize(
    "error", [DropError("+4790000001 is barred"), RetryError("+4790000001 is busy"), KeyError("x")]
)
def test_logs_never_hold_address_or_text(error: Exception, database: Database, queued: Delivery) -> None:
    with structlog.testing.capture_logs() as lines:
        SendRunner(database, {Channel.SMS: Raising(error)}).run_once()
    assert {line["delivery_id"] for line in lines} == {queued()["id"]}
    assert "+479" not in str(lines)
    assert "kapsler" not in str(lines)
    assert "+479" not in queued()["error"]


def test_an_error_that_nobody_foresaw_is_tried_again(database: Database, queued: Delivery) -> None:
    assert SendRunner(database, {Channel.SMS: Raising(KeyError("x"))}).run_once() == 1
    assert (queued()["state"], queued()["error"]) == ("queued", "KeyError")


def test_a_delivery_whose_process_died_is_sent_again_when_its_lease_ends(database: Database, queued: Delivery) -> None:
    with database.transaction() as connection:
        store.claim_delivery(connection, [Channel.SMS], now=NOW, until=NOW + LEASE)
    fake = FakeTransport()
    runner = SendRunner(database, {Channel.SMS: fake})
    clock.freeze(NOW + LEASE - timedelta(seconds=1))
    assert runner.run_once() == 0
    clock.freeze(NOW + LEASE)
    assert runner.run_once() == 1
    assert (queued()["state"], queued()["attempts"], len(fake.sent)) == ("sent", 2, 1)


def test_a_delivery_that_kills_its_process_every_time_is_given_up(database: Database, queued: Delivery) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE delivery SET state = 'sending', attempts = %s", [len(BACKOFF) + 1])
    fake = FakeTransport()
    assert SendRunner(database, {Channel.SMS: fake}).run_once() == 1
    assert (queued()["state"], fake.sent) == ("failed", [])


def test_a_result_that_comes_after_the_lease_leaves_the_newer_attempt_alone(
    database: Database, queued: Delivery
) -> None:
    with database.transaction() as connection:
        slow = store.claim_delivery(connection, [Channel.SMS], now=NOW, until=NOW)
        assert slow is not None
        assert store.claim_delivery(connection, [Channel.SMS], now=NOW, until=NOW + LEASE) is not None
        assert not store.record_failed(connection, slow, error="too slow")
    assert (queued()["state"], queued()["attempts"]) == ("sending", 2)


def test_two_runners_never_send_the_same_delivery(database: Database, queued: Delivery) -> None:
    fake = FakeTransport()
    other = SendRunner(database, {Channel.SMS: fake})
    transport = Raising(before=lambda _: other.run_once())
    assert SendRunner(database, {Channel.SMS: transport}).run_once() == 1
    assert (transport.calls, fake.sent) == (1, [])


def test_a_runner_leaves_channels_that_are_not_its_own(database: Database, queued: Delivery) -> None:
    with database.transaction() as connection:
        add_sms(connection, "anna@example.com", channel="email")
    mail = FakeTransport()
    assert SendRunner(database, {Channel.EMAIL: mail}).run_once() == 1
    assert [message.channel for message in mail.sent] == [Channel.EMAIL]
    assert queued()["state"] == "queued"


def test_gateways_get_the_same_patience_when_a_demo_runs_fast(database: Database, queued: Delivery) -> None:
    clock.run(anchor=NOW, speed=60.0)
    try:
        row_before = clock.now()
        with database.transaction() as connection:
            connection.execute("UPDATE delivery SET wake_at = %s", [row_before])
        clock.freeze(row_before)
        SendRunner(database, {Channel.SMS: FakeTransport(away=True)}).run_once()
        assert queued()["wake_at"] - row_before == BACKOFF[0] * 60
    finally:
        clock.thaw()
        clock.run(anchor=NOW, speed=1.0)
