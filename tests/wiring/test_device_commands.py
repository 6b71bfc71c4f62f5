"""Commands to devices from the command line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from iot_service.commands.runner import CommandRunner
from iot_service.config import Settings, load_settings
from iot_service.db import Database, Jsonb
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.wiring.device_commands import cancel_command, list_commands, send_command, show_command
from tests.commands.fake_publisher import FakePublisher
from tests.factories import NOW, insert, make_home


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    with database.transaction() as connection:
        make_home(connection)
    return load_settings(database_url=SecretStr(database.url), data_dir=tmp_path)


def send(
    settings: Settings, name: str, *pairs: str, timeout: str | None = None, wait: bool = False
) -> tuple[str, bool]:
    result = send_command(settings, "freezer-1", name, [*pairs], timeout=timeout, retries=None, wait=wait)
    return result.text, result.well


def test_a_command_is_sent_shown_listed_and_called_off(settings: Settings) -> None:
    text, well = send(settings, "set_setpoint", "setpoint=-80.5")
    assert well
    assert "command 1 (set_setpoint, freezer-1, " in text
    assert text.endswith("is queued")
    assert '{"setpoint": -80.5}' in show_command(settings, 1)
    assert list_commands(settings, "freezer-1") == text
    assert cancel_command(settings, 1, "the wrong freezer").endswith("is cancelled: the wrong freezer")


@pytest.mark.parametrize(
    ("name", "pairs", "timeout", "field"),
    [
        ("defrost", ["setpoint"], None, "arg setpoint"),
        ("set_setpoint", ["setpoint=cold"], None, "args.setpoint"),
        ("defrost", [], "soon", "timeout"),
        ("defrots", [], None, "name"),
    ],
)
def test_what_is_wrong_is_named(
    settings: Settings, name: str, pairs: list[str], timeout: str | None, field: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        send(settings, name, *pairs, timeout=timeout)
    assert error.value.field == field


def test_an_unknown_device_has_no_list(settings: Settings) -> None:
    with pytest.raises(NotFoundError):
        list_commands(settings, "freezer-99")
    assert list_commands(settings, "freezer-1") == "freezer-1 was never told anything"


@pytest.mark.parametrize(("ok", "said"), [(True, "is acknowledged"), (False, "is refused: The device refused: no")])
def test_to_wait_is_to_wait_for_the_answer(settings: Settings, database: Database, ok: bool, said: str) -> None:
    broker = FakePublisher()
    runner = CommandRunner(database, broker)

    def answer() -> None:
        document = {"id": "1", "ok": ok, "error": "no"}
        with database.transaction() as connection:
            values = {"name": "command/ack", "ts": NOW, "data": Jsonb(document), "received_at": NOW}
            insert(connection, "device_event", device_id="freezer-1", **values)

    broker.on_publish = answer
    stop = threading.Event()

    def carry() -> None:
        while not stop.wait(0.05):
            runner.run_once()

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        text, well = send(settings, "defrost", wait=True)
    finally:
        stop.set()
        thread.join()
    assert said in text
    assert well is ok
