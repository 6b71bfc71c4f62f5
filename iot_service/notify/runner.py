"""Sends what waits: claims a delivery, sends it outside of any transaction, writes the result down."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import timedelta

from iot_service import clock, logs, metrics
from iot_service.db import Database
from iot_service.errors import DropError, RetryError
from iot_service.notify import store
from iot_service.notify.message import Channel
from iot_service.notify.store import Claim
from iot_service.notify.transports import Transport

LEASE = timedelta(minutes=2)
"""How long one attempt may take (of life, whatever the clock's speed): far longer than transports wait."""

BACKOFF: tuple[timedelta, ...] = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""How long after each failed attempt (of life) the next one follows; when they are used up the delivery has failed."""

_AT_ONCE = 200  # attempts in one run, so that a run ends and can be seen to
_log = logs.get(__name__)


class SendRunner:
    """Sends deliveries through ``transports``, and only through the channels that are in it.

    Several may run at once, in one process or many: each delivery is held by one of them until its lease ends. A crash
    while sending lets the lease end and the delivery be sent again: at least once.
    """

    def __init__(self, database: Database, transports: Mapping[Channel, Transport]) -> None:
        self._database = database
        self._transports = transports

    def run_once(self) -> int:
        """Attempt the deliveries that are due, some hundred at the most; return how many attempts were made."""
        attempts = 0
        while attempts < _AT_ONCE and (claim := self._claim()) is not None:
            self._attempt(claim)
            attempts += 1
        return attempts

    def _claim(self) -> Claim | None:
        now = clock.now()
        with self._database.transaction() as connection:
            return store.claim_delivery(connection, [*self._transports], now=now, until=now + clock.during(LEASE))

    def _attempt(self, claim: Claim) -> None:
        message = claim.message
        if claim.attempt > len(BACKOFF) + 1:  # its process died every time
            self._fail(claim, "no attempt came to an end")
            return
        try:
            provider_id = self._transports[message.channel].send(message)
        except DropError as error:
            self._fail(claim, str(error))
        except RetryError as error:
            self._retry(claim, str(error))
        except Exception as error:  # a runner: whatever one delivery raises must not stop the others
            frame = traceback.extract_tb(error.__traceback__)[-1]  # not its text, which may hold address or message
            _log.error(
                "a delivery raised an error that its transport does not explain",
                action="delivery.raised",
                delivery_id=message.delivery_id,
                error=type(error).__name__,
                at=f"{frame.filename}:{frame.lineno}",
            )
            self._retry(claim, type(error).__name__)
        else:
            with self._database.transaction() as connection:
                store.record_sent(connection, claim, provider_id=provider_id, now=clock.now())
            metrics.count_delivery(message.channel, "sent")
            _log.info(
                "a message was sent", action="delivery.sent", delivery_id=message.delivery_id, channel=message.channel
            )

    def _retry(self, claim: Claim, error: str) -> None:
        if claim.attempt > len(BACKOFF):
            self._fail(claim, error)
            return
        wait = BACKOFF[claim.attempt - 1]
        with self._database.transaction() as connection:
            store.record_retry(
                connection, claim, error=_without_address(claim, error), wake_at=clock.now() + clock.during(wait)
            )
        metrics.count_delivery(claim.message.channel, "retried")
        _log.warning(
            "a message could not be sent yet",
            action="delivery.retry",
            delivery_id=claim.message.delivery_id,
            channel=claim.message.channel,
            attempt=claim.attempt,
            again_in=wait.total_seconds(),
        )

    def _fail(self, claim: Claim, error: str) -> None:
        with self._database.transaction() as connection:
            store.record_failed(connection, claim, error=_without_address(claim, error))
        metrics.count_delivery(claim.message.channel, "failed")
        _log.error(
            "a message could not be sent",
            action="delivery.failed",
            delivery_id=claim.message.delivery_id,
            channel=claim.message.channel,
            attempt=claim.attempt,
        )


def _without_address(claim: Claim, error: str) -> str:
    """Gateways like to repeat the address in their answers; it stands in the delivery, and nowhere else."""
    return error.replace(claim.message.address, "(address)")
