"""Commands on their way: at least once, in order, for a limited time; and what devices answer."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from iot_service import clock
from iot_service.commands.publisher import command_topic
from iot_service.commands.runner import CommandRunner
from iot_service.errors import ConflictError, NotFoundError
from iot_service.ingest.topics import TopicKind, device_topic
from iot_service.model.command import CommandState
from tests.commands.conftest import Fleet, later
from tests.commands.fake_publisher import AWAY, FakePublisher
from tests.factories import NOW
from tests.ingest.rows import count


def test_a_command_is_published_as_the_contract_says_and_then_it_is_sent(fleet: Fleet) -> None:
    command_id = fleet.send("set_setpoint", {"setpoint": -80}, timeout=timedelta(seconds=45))
    assert fleet.get(command_id).state is CommandState.QUEUED
    fleet.run()
    topic, message, expiry_seconds = fleet.broker.published[0]
    assert topic == "iot/v1/freezer-1/command"
    assert message == {"id": str(command_id), "name": "set_setpoint", "args": {"setpoint": -80}}
    assert expiry_seconds == 45
    command = fleet.get(command_id)
    assert (command.state, command.attempts, command.sent_at) == (CommandState.SENT, 1, NOW)
    assert fleet.events(command_id) == ["queued", "sent"]


def test_the_topic_is_the_one_that_ingest_knows() -> None:
    assert command_topic("freezer-1") == device_topic("freezer-1", TopicKind.COMMAND)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_device_acknowledges(fleet: Fleet, as_text: bool) -> None:
    command_id = fleet.send()
    fleet.run()
    later(2)
    fleet.answer({"id": str(command_id) if as_text else command_id, "ok": True, "data": {"minutes": 20}})
    fleet.run()
    command = fleet.get(command_id)
    assert command.state is CommandState.ACKNOWLEDGED
    assert command.answered_at == NOW + timedelta(seconds=2)
    assert command.answer is not None
    assert command.answer["data"] == {"minutes": 20}
    assert fleet.events(command_id) == ["queued", "sent", "acknowledged"]
    assert count(fleet.database, "command_todo") == 0


def test_a_device_refuses_and_its_reason_is_kept(fleet: Fleet) -> None:
    command_id = fleet.send()
    fleet.run()
    fleet.answer({"id": str(command_id), "ok": False, "error": "door\nis open"})
    fleet.run()
    command = fleet.get(command_id)
    assert (command.state, command.reason) == (CommandState.REFUSED, "The device refused: door is open")


def test_without_an_answer_it_is_repeated_with_the_same_id_and_then_it_expires(fleet: Fleet) -> None:
    command_id = fleet.send(timeout=timedelta(seconds=10), retries=2)
    fleet.run()
    for _ in range(30):
        later(1)
        fleet.run()
    command = fleet.get(command_id)
    assert fleet.broker.ids == [str(command_id)] * 3
    assert (command.state, command.attempts, command.ended_at) == (
        CommandState.EXPIRED,
        3,
        NOW + timedelta(seconds=30),
    )
    assert command.reason == "No answer within 30 s; it was sent 3 times."
    assert fleet.events(command_id) == ["queued", "sent", "repeated", "repeated", "expired"]


def test_no_attempt_outlives_its_command_at_the_broker(fleet: Fleet) -> None:
    fleet.send(timeout=timedelta(seconds=10), retries=0)
    fleet.broker.down = AWAY
    fleet.run()
    later(7.5)
    fleet.broker.down = None
    fleet.run()
    assert [item.expiry_seconds for item in fleet.broker.published] == [3]


def test_commands_of_one_device_go_one_after_the_other_and_those_of_others_beside_them(fleet: Fleet) -> None:
    first, second = fleet.send(), fleet.send("set_setpoint", {"setpoint": -75})
    other = fleet.send(device_id="freezer-2")
    fleet.run()
    assert fleet.broker.ids == [str(first), str(other)]
    fleet.answer({"id": str(first), "ok": False})
    fleet.run()
    assert fleet.broker.ids == [str(first), str(other), str(second)]
    assert fleet.get(second).expires_at == NOW + timedelta(seconds=90)


def test_the_time_of_a_command_runs_from_its_turn_on(fleet: Fleet) -> None:
    fleet.send(timeout=timedelta(seconds=10), retries=0)
    second = fleet.send(timeout=timedelta(seconds=10), retries=0)
    fleet.run()
    later(10)
    fleet.run()
    assert fleet.get(second).state is CommandState.SENT
    assert fleet.get(second).expires_at == NOW + timedelta(seconds=20)


def test_a_command_for_a_device_that_is_offline_waits_here_until_it_comes_online(fleet: Fleet) -> None:
    fleet.status(online=True)
    fleet.status(online=False)
    command_id = fleet.send()
    fleet.run()
    assert fleet.broker.published == []
    later(20)
    fleet.status(online=True)
    fleet.run()
    assert fleet.broker.ids == [str(command_id)]
    assert fleet.broker.published[0].expiry_seconds == 30


def test_a_command_for_a_device_that_stays_offline_expires_unsent(fleet: Fleet) -> None:
    fleet.status(online=False)
    command_id = fleet.send(timeout=timedelta(minutes=1), retries=1)
    for _ in range(5):
        fleet.run()
        later(30)
    command = fleet.get(command_id)
    assert (command.state, command.attempts) == (CommandState.EXPIRED, 0)
    assert command.reason == "It could not be sent within 120 s: the device or the broker was away."


def test_a_device_that_speaks_is_there_whatever_an_old_will_said(fleet: Fleet) -> None:
    fleet.status(online=False)
    with fleet.database.transaction() as connection:
        connection.execute(
            "UPDATE rule_state SET newest_received = %s WHERE device_id = 'freezer-1'", [NOW + timedelta(seconds=1)]
        )
    command_id = fleet.send()
    fleet.run()
    assert fleet.broker.ids == [str(command_id)]


def test_while_the_broker_is_away_commands_wait_and_no_attempt_is_counted(fleet: Fleet) -> None:
    commands = [fleet.send(), fleet.send(device_id="freezer-2")]
    fleet.broker.down = AWAY
    for _ in range(5):
        assert fleet.run() == 0
        later(1)
    fleet.broker.down = None
    fleet.run()
    assert sorted(fleet.broker.ids) == sorted(map(str, commands))
    assert [fleet.get(each).attempts for each in commands] == [1, 1]


def test_an_answer_may_overtake_the_broker(fleet: Fleet) -> None:
    """The device may have answered, and another process stored it, before we hear that the broker has it."""
    command_id = fleet.send()
    other = CommandRunner(fleet.database, FakePublisher())

    def answer() -> None:
        fleet.answer({"id": str(command_id), "ok": True})
        other.run_once()

    fleet.broker.on_publish = answer
    fleet.run()
    command = fleet.get(command_id)
    assert (command.state, command.attempts, command.sent_at) == (CommandState.ACKNOWLEDGED, 1, NOW)


class _KilledError(BaseException):
    """Ends a runner as a kill does: nothing is written after it."""


def test_a_crash_after_publishing_sends_it_again_with_the_same_id(fleet: Fleet) -> None:
    command_id = fleet.send()

    def crash() -> None:
        raise _KilledError

    fleet.broker.on_publish = crash
    with pytest.raises(_KilledError):
        fleet.run()
    fleet.broker.on_publish = None
    assert fleet.run() == 0
    later(31)
    fleet.run()
    assert fleet.broker.ids == [str(command_id)] * 2
    assert fleet.get(command_id).state is CommandState.SENT


def test_a_runner_that_was_overtaken_writes_nothing(fleet: Fleet) -> None:
    """Its lease has ended while the broker let it wait; another one has the command now."""
    command_id = fleet.send(timeout=timedelta(minutes=10))
    other = CommandRunner(fleet.database, FakePublisher())

    def wait_too_long() -> None:
        later(31)
        other.run_once()

    fleet.broker.on_publish = wait_too_long
    fleet.run()
    assert fleet.get(command_id).attempts == 1


def test_several_runners_send_each_command_once(fleet: Fleet) -> None:
    for number in range(40):
        with fleet.database.transaction() as connection:
            connection.execute(
                "INSERT INTO device SELECT %s, product, customer_id, site_id, name, service_state, parameters, "
                "created_at FROM device WHERE id = 'freezer-1'",
                [f"many-{number}"],
            )
        fleet.send(device_id=f"many-{number}")
    threads = [threading.Thread(target=CommandRunner(fleet.database, fleet.broker).run_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fleet.broker.ids) == len(set(fleet.broker.ids)) == 40


def test_one_command_that_raises_does_not_stop_the_others(fleet: Fleet) -> None:
    first = fleet.send()
    fleet.broker.down = ValueError("nobody foresaw this")
    assert fleet.run() == 1
    fleet.broker.down = None
    second = fleet.send(device_id="freezer-2")
    fleet.run()
    assert fleet.broker.ids == [str(second)]
    later(21)
    fleet.run()
    assert fleet.broker.ids == [str(second), str(first)]


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "999", "ok": True}, {"id": "x", "ok": True}, {"id": True, "ok": True}, {"id": "9" * 40, "ok": True},
        {"id": -1, "ok": True}, {"id": {"a": 1}, "ok": True}, {"id": "٣", "ok": True}, {"id": 1e300, "ok": True},
    ],
)  # fmt: skip
def test_an_answer_to_no_command_changes_nothing(fleet: Fleet, answer: dict[str, object]) -> None:
    command_id = fleet.send()
    fleet.run()
    fleet.answer(answer)
    fleet.run()
    assert fleet.get(command_id).state is CommandState.SENT
    assert count(fleet.database, "command_todo") == 0


def test_a_device_cannot_answer_for_another(fleet: Fleet) -> None:
    command_id = fleet.send()
    fleet.send(device_id="freezer-2")
    fleet.run()
    fleet.answer({"id": str(command_id), "ok": True}, device_id="freezer-2")
    fleet.run()
    assert fleet.get(command_id).state is CommandState.SENT


def test_answers_of_devices_that_never_had_a_command_leave_nothing_to_do(fleet: Fleet) -> None:
    fleet.answer({"id": "1", "ok": True})
    assert count(fleet.database, "command_todo") == 0


def test_a_second_answer_changes_nothing(fleet: Fleet) -> None:
    command_id = fleet.send()
    fleet.run()
    for ok in (True, False):
        later(1)
        fleet.answer({"id": str(command_id), "ok": ok})
        fleet.run()
    assert fleet.get(command_id).state is CommandState.ACKNOWLEDGED
    assert fleet.events(command_id) == ["queued", "sent", "acknowledged"]


def test_a_late_answer_is_kept_but_the_command_stays_expired(fleet: Fleet) -> None:
    command_id = fleet.send(timeout=timedelta(seconds=1), retries=0)
    fleet.run()
    later(2)
    fleet.run()
    fleet.answer({"id": str(command_id), "ok": True})
    fleet.run()
    command = fleet.get(command_id)
    assert (command.state, command.answered_at) == (CommandState.EXPIRED, clock.now())
    assert fleet.events(command_id)[-1] == "answered_late"


def test_a_cancelled_command_is_not_sent_and_the_next_one_has_its_turn(fleet: Fleet) -> None:
    first, second = fleet.send(), fleet.send()
    assert fleet.cancel(first).state is CommandState.CANCELLED
    assert fleet.cancel(first).state is CommandState.CANCELLED
    fleet.run()
    assert fleet.broker.ids == [str(second)]
    assert fleet.events(first) == ["queued", "cancelled"]


def test_a_command_that_has_ended_cannot_be_cancelled(fleet: Fleet) -> None:
    command_id = fleet.send()
    fleet.run()
    fleet.answer({"id": str(command_id), "ok": True})
    fleet.run()
    with pytest.raises(ConflictError, match="acknowledged already"):
        fleet.cancel(command_id)
    with pytest.raises(NotFoundError):
        fleet.cancel(999)


def test_to_look_for_what_is_due_never_scans_all_commands(fleet: Fleet) -> None:
    with fleet.database.transaction() as connection:
        connection.execute(
            "INSERT INTO command (device_id, name, args, state, timeout, retries, created_at, created_by, ended_at) "
            "SELECT 'freezer-1', 'defrost', '{}', 'expired', '30 s', 2, %(now)s, 'x', %(now)s "
            "FROM generate_series(1, 20000)",
            {"now": NOW},
        )
        connection.execute("ANALYZE command")
        plan = connection.execute(
            "EXPLAIN SELECT id FROM command WHERE wake_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s) "
            "ORDER BY wake_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            [NOW, NOW],
        ).fetchall()
    said = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "Seq Scan" not in said, said
    assert "Index" in said
