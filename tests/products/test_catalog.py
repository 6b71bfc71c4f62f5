"""The catalog, shipped and one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.errors import StopError
from iot_service.products.catalog import load_catalog

TOASTER = """\
id: toaster
name: {nb: Brødrister, en: Toaster}
metrics:
  slices: {unit: "1", counter: true, aliases: [Toaster.Slices]}
  heat: {unit: °C, max_age: 5m}
consumables:
  bread: {counters: [slices], unit: {nb: skiver, en: slices}, name: {nb: Brød, en: Bread}}
"""
RULES = """\
product: toaster
rules:
  hot:
    kind: fault
    severity: high
    title: {nb: Varm, en: Hot}
    when: heat > 300
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.replace('__', '.')}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_catalog_has_the_three_products_their_rules_and_services() -> None:
    catalog = load_catalog()
    assert {name: sorted(rules) for name, rules in catalog.rules.items()} == {
        "car": [
            "battery_weak", "brake_pads_worn", "mountain_winter", "overheating", "service_due", "tread_in_winter",
            "trouble_code", "tyre_pressure_low", "tyres_worn", "winter_tyres",
        ],
        "coffee_machine": ["capsules_low", "cleaning_overdue", "descaling_overdue", "tray_full_often"],
        "freezer": [
            "door_open", "fridge_too_cold", "fridge_too_warm", "heat_exposure", "power_lost", "silent",
            "temperature_high", "works_harder",
        ],
    }  # fmt: skip
    for rules in catalog.rules.values():
        for rule in rules.values():
            assert rule.service is None or rule.service in catalog.services
            assert rule.title.nb != rule.title.en


def test_a_product_of_ones_own_is_data_only(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, toaster=TOASTER, toaster__rules=RULES))
    assert catalog.products["toaster"].metrics["slices"].aliases == ("Toaster.Slices",)
    assert set(catalog.rules["toaster"]) == {"hot"}
    assert "car" in catalog.products


def test_a_rule_of_the_same_id_replaces_the_shipped_one(tmp_path: Path) -> None:
    text = RULES.replace("toaster", "freezer").replace("hot:", "silent:").replace("heat > 300", "ambient > 300")
    catalog = load_catalog(write(tmp_path, freezer__rules=text))
    assert catalog.rules["freezer"]["silent"].when == "ambient > 300"
    assert "temperature_high" in catalog.rules["freezer"]


def test_every_problem_of_every_file_comes_at_once(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        toaster=TOASTER.replace("counters: [slices]", "counters: [slcies]").replace("heat:", "slices_hot:"),
        toaster__rules=RULES.replace("hgh", "high") + "    service: fix_toster\n    consumable: bred\n",
        services="services:\n  fix_toaster:\n    name: {nb: a, en: b}\n    duration: 1h\n    skill: x\n"
        "    price: 1\n    place: shop\n    products: [toaster]\n",
    )
    with pytest.raises(StopError) as stop:
        load_catalog(folder)
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(stop.value).splitlines()]
    assert lines == [
        "services.yaml:7: services.fix_toaster.place: Input should be 'workshop' or 'site'",
        "toaster.rules.yaml:8: rules.hot.service: no service 'fix_toster'; known here: annual_service, battery_test,"
        " brake_pads, cooling_check, freezer_check, freezer_repair, tyre_change_winter, tyre_check",
        "toaster.rules.yaml:9: rules.hot.consumable: no consumable 'bred'; did you mean 'bread'?",
        "toaster.yaml:7: consumables.bread.counters.0: no metric 'slcies'; did you mean 'slices'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "aliases: [Toaster.Slices]",
            "aliases: [heat]",
            "toaster.yaml:4: metrics.slices.aliases: 'heat' already names",
        ),
        ("max_age: 5m", "max_age: soon", "toaster.yaml:5: metrics.heat.max_age: 'soon' is not a duration"),
        ("max_age: 5m", "maxage: 5m", "toaster.yaml:5: metrics.heat.maxage: no such key; did you mean 'max_age'?"),
        ("  heat:", "  slices:", "toaster.yaml:5: metrics.slices: stands twice"),
        ("  heat:", "  1heat:", "toaster.yaml:5: metrics.1heat: String should match pattern"),
        ("id: toaster", "id: [toaster", "toaster.yaml:"),
    ],
)
def test_a_problem_says_its_file_line_field_and_what_would_be_right(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(StopError) as stop:
        load_catalog(write(tmp_path, toaster=TOASTER.replace(old, new)))
    assert problem in str(stop.value)


def test_a_folder_that_is_not_there_stops(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="IOT_PRODUCTS_DIR"):
        load_catalog(tmp_path / "none")


def test_rules_of_an_unknown_product_are_a_problem(tmp_path: Path) -> None:
    with pytest.raises(StopError, match=r"toaster\.rules\.yaml:1: product: no product 'toaster'"):
        load_catalog(write(tmp_path, toaster__rules=RULES))


def test_a_metrics_unit_is_one_that_can_be_converted(tmp_path: Path) -> None:
    with pytest.raises(StopError) as stop:
        load_catalog(write(tmp_path, toaster=TOASTER.replace("°C", "warmth")))
    (line,) = str(stop.value).splitlines()
    assert "toaster.yaml:5: metrics.heat.unit: 'warmth' is no unit; write °C, km/h, kPa, %, …, or \"1\"" in line
