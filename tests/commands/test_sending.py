"""Who may be told what: commands are checked against the product model before they are queued."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iot_service.commands import sending
from iot_service.errors import ConflictError, InvalidInputError, NotFoundError
from tests.commands.conftest import Fleet


def test_timeout_and_retries_are_the_product_models_unless_the_sender_says_otherwise(fleet: Fleet) -> None:
    usual, other = fleet.get(fleet.send()), fleet.get(fleet.send(timeout=timedelta(hours=1), retries=0))
    assert (usual.timeout, usual.retries) == (timedelta(seconds=30), 2)
    assert (other.timeout, other.retries) == (timedelta(hours=1), 0)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": "defrsot"}, "name"),
        ({"device_id": "car-1"}, "name"),
        ({"name": "set_setpoint"}, "args.setpoint"),
        ({"args": {"setpoint": -80}}, "args.setpoint"),
        ({"timeout": timedelta(milliseconds=999)}, "timeout"),
        ({"timeout": timedelta(days=2)}, "timeout"),
        ({"retries": 11}, "retries"),
        ({"retries": -1}, "retries"),
    ],
)
def test_what_the_product_model_does_not_know_names_the_field(fleet: Fleet, over: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        fleet.send(**over)
    assert error.value.field == field


def test_an_unknown_device_is_not_found_and_a_retired_one_takes_no_commands(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError):
        fleet.send(device_id="freezer-99")
    with fleet.database.transaction() as connection:
        connection.execute("UPDATE device SET service_state = 'retired' WHERE id = 'freezer-1'")
    with pytest.raises(ConflictError, match="retired"):
        fleet.send()


def test_a_device_has_a_bounded_number_of_open_commands(fleet: Fleet) -> None:
    for _ in range(sending.MOST_OPEN):
        fleet.send()
    with pytest.raises(ConflictError, match="100 commands wait"):
        fleet.send()
    fleet.send(device_id="freezer-2")


def test_arguments_stay_out_of_the_event_log(fleet: Fleet) -> None:
    fleet.send("set_setpoint", {"setpoint": -81.25})
    with fleet.database.transaction() as connection:
        row = connection.execute("SELECT data, actor, customer_id FROM event WHERE type = 'command.queued'").fetchone()
    assert row == {"data": {"name": "set_setpoint"}, "actor": "operator:1", "customer_id": "anna"}
