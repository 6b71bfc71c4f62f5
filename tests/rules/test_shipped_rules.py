"""The shipped rules: sound on their own tests, and on recordings of real products."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from iot_service.model.device import ServiceState
from iot_service.model.reading import Sample
from iot_service.rules.checks import check_files
from iot_service.rules.fold import DeviceFold
from iot_service.rules.instants import FactChange
from iot_service.rules.state import DeviceState
from iot_service.rules.testfile import run_test_file
from iot_service.rules.windows import Window, Windows
from tests.recordings import recording
from tests.rules.telemetry import SHIPPED, START, compiled, happened, new_fold, reading, series

FOLDER = Path(str(resources.files("iot_service.products")))
CAR_COLUMNS = {
    "CONTROL_MODULE_VOLTAGE ()": "battery_voltage",
    "ENGINE_RPM ()": "engine_speed",
    "COOLANT_TEMPERATURE ()": "coolant_temperature",
    "VEHICLE_SPEED ()": "speed",
}
FREEZER_COLUMNS = {"sGekoeldeRuimte": "temperature", "sOmgeving": "ambient", "sDeurcontact": "door"}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.yaml")), ids=lambda file: file.name)
def test_the_tests_beside_the_rules_pass(file: Path) -> None:
    report = run_test_file(file, SHIPPED)
    assert report.results
    assert [(result.name, result.failures) for result in report.results if not result.passed] == []
    assert report.passed


def test_the_shipped_files_have_no_problems_and_each_rule_file_has_tests() -> None:
    assert check_files([FOLDER]) == []
    assert set(SHIPPED.products) == {"car", "freezer", "coffee_machine"}


def car(name: str, *, voltage_offset: float = 0.0) -> list[Sample]:
    with recording(f"car/{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        reading(metric, START + timedelta(seconds=second), float(row[column]) + voltage_offset * (metric[0] == "b"))
        for second, row in enumerate(rows)
        for column, metric in CAR_COLUMNS.items()
    ]


def test_the_one_weak_start_among_the_car_recordings_is_found_and_nothing_else() -> None:
    for name, expected in (
        ("long10", [("opened", "battery_weak", 0.05)]),
        ("live1", []),
        ("live10", []),
        ("idle22", []),
    ):
        fold = new_fold(compiled("car"))
        fold.advance(car(name))
        assert happened(fold) == expected, name


def test_a_start_is_found_weak_where_its_voltage_says_so() -> None:
    """The same starts of other cars: 10.3 V at the lowest is healthy, 1 V less is not."""
    fold = new_fold(compiled("car"))
    fold.advance(car("live1", voltage_offset=-1.0))
    assert [(kind, rule) for kind, rule, _ in happened(fold)] == [("opened", "battery_weak")]


def test_a_cold_room_that_is_not_in_service_yet_and_then_runs_normally_raises_nothing() -> None:
    samples = []
    with recording("freezer/asset_135_1570_sample.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
            samples += [
                reading(metric, at, float(row[column])) for column, metric in FREEZER_COLUMNS.items() if row[column]
            ]
    fold = new_fold(compiled("freezer"), service_state=ServiceState.COMMISSIONING, parameters={"setpoint": -35.0})
    fold.advance(samples)
    assert [(o.kind.value, o.rule) for o in fold.outcomes] == [("in_service", None)]
    assert fold.outcomes[0].at.year == 2023


@pytest.mark.parametrize(("rise", "recovery"), [(8.0, 30), (10.0, 60), (12.0, 60)])
def test_a_short_door_opening_of_an_ultra_low_freezer_does_not_alarm(rise: float, recovery: int) -> None:
    """The air warms at once and comes back exponentially, 95 % of it within ``recovery`` minutes, with some noise."""
    samples = series(temperature="-70x5")
    for step in range(recovery * 6):
        minutes = step / 6
        warm = rise * 2.718281828 ** (-3 * minutes / recovery) + 0.3 * ((step * 7919) % 11 - 5) / 5
        samples.append(reading("temperature", START + timedelta(minutes=6 + minutes), -70 + warm))
    fold = new_fold(compiled("freezer"))
    fold.advance(samples)
    assert happened(fold) == []


def test_a_compressor_that_fails_after_a_door_opening_still_alarms() -> None:
    fold = new_fold(compiled("freezer"))
    fold.advance(series(temperature="-70x5 -62-0.2x10 -64+0.1x200"))
    # above -60 °C from 58 min on
    assert happened(fold) == [("opened", "temperature_high", 68)]


def test_capsules_are_ordered_so_that_they_never_run_out_and_never_pile_up(capsys: pytest.CaptureFixture[str]) -> None:
    with recording("coffee/vending_machine_2024.csv").open(encoding="utf-8") as file:
        times = [datetime.fromisoformat(row["time"]).replace(tzinfo=UTC) for row in csv.DictReader(file)]
    machine = SimulatedReplenishment(stock=120, pack=40, target=200, cancel_window_days=1, delivery_days=3)
    for number, at in enumerate(times, start=1):
        machine.drink(at, number)
    with capsys.disabled():
        print(f"\n  coffee: stock {min(machine.levels)} to {max(machine.levels)}, {machine.orders} orders")
    assert min(machine.levels) > 0
    assert max(machine.levels) <= 200
    assert machine.orders < 40, "an order brings about two packs at least"


class SimulatedReplenishment:
    """A machine under a subscription: what the rule says is ordered at once, and comes when it was promised."""

    def __init__(self, *, stock: int, pack: int, target: int, cancel_window_days: int, delivery_days: int) -> None:
        product = compiled("coffee_machine")
        windows = Windows(Window(key) for key in product.windows)
        self._lead = timedelta(days=cancel_window_days + delivery_days)
        facts = {
            **product.model.parameters,
            "capsules_supplied": float(stock),
            "lead_days": float(self._lead.days),
        }
        self._fold = DeviceFold(product, DeviceState(ServiceState.IN_SERVICE), windows, facts)
        self._supplied, self._pack, self._target = stock, pack, target
        self._under_way: tuple[datetime, int] | None = None
        self._judged, self._low = 0, False
        self.levels: list[int] = [stock]
        self.orders = 0

    def drink(self, at: datetime, number: int) -> None:
        """One capsule is used, the ``number``-th in all."""
        if self._under_way is not None and self._under_way[0] <= at:
            arrived, quantity = self._under_way
            self._under_way = None
            self._supplied += quantity
            self.levels.append(self._supplied - (number - 1))
            self._fold.advance([], [FactChange(arrived, "capsules_supplied", float(self._supplied))])
            self._order(arrived, number - 1)
        self._fold.advance([reading("CapsuleCounter", at, float(number))])
        self.levels.append(self._supplied - number)
        self._order(at, number)

    def _order(self, at: datetime, used: int) -> None:
        """Order while the need is open and nothing is under way, also when a delivery did not lift the stock enough."""
        for outcome in self._fold.outcomes[self._judged :]:
            self._low = outcome.kind.value == "opened"
        self._judged = len(self._fold.outcomes)
        packs = (self._target - (self._supplied - used)) // self._pack
        if self._low and packs and self._under_way is None:
            self._under_way = (at + self._lead, packs * self._pack)
            self.orders += 1
