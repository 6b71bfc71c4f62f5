"""What operators do about a need or a device, each with a reason for the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from nicegui import ui

from iot_service import clock
from iot_service.api.principal import Principal
from iot_service.console import store
from iot_service.console.elements import tag
from iot_service.console.feed import Feed
from iot_service.console.shell import Console, Visit
from iot_service.db import Connection, DatabaseUnavailableError
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from iot_service.model.device import ServiceState
from iot_service.rules import maintenance, needs
from iot_service.rules.service_state import set_service_state

_MAINTENANCE = {1: "1 hour", 2: "2 hours", 4: "4 hours", 8: "8 hours", 24: "1 day", 72: "3 days"}
_SNOOZES = {1: "1 hour", 4: "4 hours", 24: "1 day", 168: "1 week"}


async def perform(feed: Feed, operator: Principal, work: Callable[[Connection], object]) -> str | None:
    """Do ``work`` in a transaction, if the operator's session is still in force; return what went wrong, or None."""

    def allowed_work(connection: Connection) -> bool:
        if not store.may_act(connection, operator.csrf_token, now=clock.now()):
            return False
        work(connection)
        return True

    try:
        allowed = await feed.read(allowed_work)
    except (ConflictError, InvalidInputError, NotFoundError) as error:
        return str(error)
    except DatabaseUnavailableError:
        return "The database cannot be reached; try again in a moment."
    return None if allowed else "Your session has ended: log in again."


async def _act(console: Console, who: Visit, work: Callable[[Connection], object], done: str) -> bool:
    """Do ``work`` as this operator, show what came of it, and return whether it worked."""
    page = ui.context.client  # the button that was pressed may be gone when the work is done
    wrong = await perform(console.feed, who.operator, work)
    await console.feed.tick()
    with page:
        ui.notify(wrong or done, type="negative" if wrong else "positive")
    return wrong is None


async def acknowledge(console: Console, who: Visit, need_id: int) -> None:
    """Say that somebody looks after this need."""
    await _act(
        console,
        who,
        lambda connection: needs.acknowledge(connection, need_id, actor=who.operator.actor, now=clock.now()),
        "Acknowledged",
    )


def ask_snooze(console: Console, who: Visit, need_id: int, title: str) -> None:
    """Ask for how long and why, then put the need aside until then."""

    async def snooze(reason: str) -> bool:
        until = clock.now() + timedelta(hours=hours.value or 1)
        return await _act(
            console,
            who,
            lambda connection: needs.snooze(
                connection, need_id, until=until, reason=reason, actor=who.operator.actor, now=clock.now()
            ),
            "Snoozed",
        )

    with _question(f"Snooze “{title}”", "Snooze", snooze):
        hours = ui.select(_SNOOZES, value=4, label="For").props("outlined dense").classes("field")


def ask_withdraw(console: Console, who: Visit, need_id: int, title: str) -> None:
    """Ask why, then withdraw the need: what was planned because of it is called off."""

    async def withdraw(reason: str) -> bool:
        return await _act(
            console,
            who,
            lambda connection: needs.withdraw(
                connection, need_id, reason=reason, actor=who.operator.actor, now=clock.now()
            ),
            "Withdrawn",
        )

    with _question(f"Withdraw “{title}”", "Withdraw", withdraw):
        hint = (
            "Its open proposal, a job nobody accepted and an order in its cancel window are called off; visits stand."
        )
        tag("p", hint, "hint")


def ask_maintenance(console: Console, who: Visit, device_id: str, name: str) -> None:
    """Ask for how long and why, then mute a device from now on because it is maintained."""

    async def plan(reason: str) -> bool:
        now = clock.now()
        planned = await _act(
            console,
            who,
            lambda connection: maintenance.plan(
                connection,
                device_id=device_id,
                starts_at=now,
                ends_at=now + timedelta(hours=hours.value or 1),
                reason=reason,
                actor=who.operator.actor,
                now=now,
            ),
            "Muted",
        )
        if planned:
            ui.navigate.reload()
        return planned

    with _question(f"Maintenance: {name}", "Mute it", plan):
        hours = ui.select(_MAINTENANCE, value=2, label="For").props("outlined dense").classes("field")
        tag("p", "No need opens meanwhile; what still holds afterwards does then. Open needs stay.", "hint")


async def end_maintenance(console: Console, who: Visit, window_id: int) -> None:
    """End maintenance at once, or call it off."""
    ended = await _act(
        console,
        who,
        lambda connection: maintenance.end(
            connection, window_id, reason="Ended in the console", actor=who.operator.actor, now=clock.now()
        ),
        "Ended",
    )
    if ended:
        ui.navigate.reload()


def ask_service_state(console: Console, who: Visit, device_id: str, name: str, state: ServiceState) -> None:
    """Ask why, then take a device out of service or put it back."""

    async def change(reason: str) -> bool:
        changed = await _act(
            console,
            who,
            lambda connection: set_service_state(
                connection,
                device_id,
                state,
                reason=reason,
                actor=who.operator.actor,
                now=clock.now(),
                catalog=console.catalog,
            ),
            "Changed",
        )
        if changed:
            ui.navigate.reload()
        return changed

    out = state is ServiceState.OUT_OF_SERVICE
    with _question(f"{'Take out of service' if out else 'Put back in service'}: {name}", "Do it", change):
        hint = "Its open needs are withdrawn, and no rule looks at it." if out else "Its rules look at it again."
        tag("p", hint, "hint")


def _question(title: str, verb: str, act: Callable[[str], Awaitable[bool]]) -> ui.element:
    """Open a dialog that asks for a reason; return the element that further fields go into."""
    page = ui.context.client  # not the row that was pressed in, which may be drawn anew while somebody types
    with page, ui.dialog(value=True) as dialog, tag("form", classes="question") as form:
        dialog.on("hide", dialog.delete)
        form.on("submit.prevent", lambda: None)
        tag("h2", title)
        fields = tag("div", classes="fields")
        reason = ui.input("Reason").props("outlined dense autofocus").classes("field")

        async def go() -> None:
            text = (reason.value or "").strip()
            if not text:
                reason.props("error error-message='Say why: it goes into the record.'")
            elif await act(text):
                dialog.close()

        reason.on("keydown.enter", go)
        with tag("div", classes="buttons"):
            tag("button", "Cancel", "quiet", type="button").on("click", dialog.close)
            tag("button", verb, "primary", type="button").on("click", go)
    return fields
