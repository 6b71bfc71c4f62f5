"""Sends what is queued, takes the answers, and gives up on what is not answered in time."""

from __future__ import annotations

import json
from datetime import timedelta

from iot_service import clock, logs, metrics
from iot_service.commands import answers, sending, store
from iot_service.commands.command import Command, expiry_seconds, step
from iot_service.commands.publisher import Publisher, command_topic
from iot_service.db import Database, DatabaseUnavailableError
from iot_service.errors import RetryError
from iot_service.model.command import CommandState
from iot_service.model.event import EventType

_LEASE = timedelta(seconds=30)  # of life: far longer than a publisher waits for the broker
_BROKER_AGAIN = timedelta(seconds=1)  # of life, after the broker could not be reached
_MISHAP_AGAIN = timedelta(seconds=20)  # of life, after something that nobody foresaw
_LOOK_AGAIN = timedelta(minutes=1)  # of life, at a device that is away; it is looked at at once when it comes online
_AT_ONCE = 500  # of each kind in one run, so that one run ends
_log = logs.get(__name__)


class CommandRunner:
    """Carries commands to devices through ``publisher``, at least once and in order, with the same id at each attempt.

    Any number of them may run on one database: each command is held by one of them until its lease ends. A crash
    between publishing and writing that down leads to another attempt when the lease ends.
    """

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._cut_off = False

    def run_once(self) -> int:
        """Take the answers there are and send what is due; return how much that was.

        Ends early while the broker cannot be reached.
        """
        done = 0
        while done < _AT_ONCE and self._take_answer():
            done += 1
        sent = 0
        while sent < _AT_ONCE and self._send_next():
            sent += 1
        return done + sent

    def _take_answer(self) -> bool:
        with self._database.transaction() as connection:
            todo = store.claim_todo(connection)
            if todo is None:
                return False
            event = answers.take(connection, todo, now=clock.now())
        if event is not None:
            metrics.count_command(event)
        return True

    def _send_next(self) -> bool:
        """Do what is due with one command; return whether to go on with the next."""
        now = clock.now()
        with self._database.transaction() as connection:
            command = store.claim_due(connection, now=now, until=now + clock.during(_LEASE))
            if command is None:
                return False
            expired = command.expires_at is not None and command.expires_at <= now
            away = command.state is CommandState.QUEUED and store.is_away(connection, command.device_id)
            if away and not expired:
                store.postpone(connection, command, wake_at=now + clock.during(_LOOK_AGAIN))
        if expired:
            self._expire(command)
        elif not away:
            return self._attempt(command)
        return True

    def _expire(self, claimed: Command) -> None:
        """End a command in the order of locks that everybody keeps: the device first."""
        now = clock.now()
        with self._database.transaction() as connection:
            command = sending.hold(connection, claimed.id)
            if command.claims != claimed.claims or command.ended_at is not None:
                return
            sending.end(
                connection, command, EventType.COMMAND_EXPIRED, reason=_why_expired(command), actor="service", now=now
            )
        metrics.count_command(EventType.COMMAND_EXPIRED)

    def _attempt(self, command: Command) -> bool:
        left = timedelta(seconds=clock.wall_seconds((command.expires_at or command.created_at) - clock.now()))
        payload = json.dumps({"id": str(command.id), "name": command.name, "args": dict(command.args)})
        try:
            self._publisher.publish(
                command_topic(command.device_id),
                payload.encode(),
                expiry_seconds=expiry_seconds(command, left=left),
            )
        except RetryError as error:
            if not self._cut_off:
                _log.warning("commands wait for the broker", action="command.waiting", reason=str(error))
            self._cut_off = True
            self._put_back(command, _BROKER_AGAIN)
            return False
        except DatabaseUnavailableError:
            raise
        except Exception:  # a runner: one command must not stop the others
            _log.exception("a command could not be sent", action="command.failed", command_id=command.id)
            self._put_back(command, _MISHAP_AGAIN)
            return True
        if self._cut_off:
            _log.info("commands are sent again", action="command.recovered")
        self._cut_off = False
        self._note_sent(command)
        return True

    def _note_sent(self, command: Command) -> None:
        now = clock.now()
        again = command.state is CommandState.SENT
        event = EventType.COMMAND_REPEATED if again else EventType.COMMAND_SENT
        with self._database.transaction() as connection:
            if not store.mark_sent(connection, command, wake_at=now + clock.during(command.timeout), now=now):
                return  # answered or called off before we knew that it had gone out
            attempt = command.attempts + 1
            reason = (
                f"The broker has it; attempt {attempt}, answer expected within {command.timeout.total_seconds():g} s."
            )
            sending.note(connection, command, event, step(command, event), reason, "service", now, attempt)
        metrics.count_command(event)

    def _put_back(self, command: Command, wait: timedelta) -> None:
        with self._database.transaction() as connection:
            store.postpone(connection, command, wake_at=clock.now() + clock.during(wait))


def _why_expired(command: Command) -> str:
    seconds = f"{(command.timeout * (command.retries + 1)).total_seconds():g} s"
    if command.attempts:
        times = "once" if command.attempts == 1 else f"{command.attempts} times"
        return f"No answer within {seconds}; it was sent {times}."
    return f"It could not be sent within {seconds}: the device or the broker was away."
