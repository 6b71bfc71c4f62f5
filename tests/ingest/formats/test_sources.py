"""Loading the files of sources, shipped and one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.errors import StopError
from iot_service.ingest.formats.mapped import MappedSource
from iot_service.ingest.formats.sources import load_sources, shipped_sources
from iot_service.ingest.sent import Entry, Occurrence, Sent
from iot_service.ingest.source import Message
from iot_service.products.catalog import Catalog, load_catalog
from tests.ingest.examples import MILLIS, RECEIVED

OWN = """\
name: mine
messages:
  - topic: mine/{device}
    values:
      t: {metric: temperature, unit: degF}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_the_shipped_sources_go_with_the_shipped_products_and_with_each_other(catalog: Catalog) -> None:
    names = ["home_connect", "shelly", "tasmota", "zigbee2mqtt"]
    assert sorted(shipped_sources()) == names
    assert [source.name for source in load_sources(names, None, catalog)] == names


def read(catalog: Catalog, name: str, topic: str, payload: bytes) -> Sent:
    (source,) = load_sources([name], None, catalog)
    (sent,) = source.read(Message(topic, payload, RECEIVED))
    assert sent.faults == []
    return sent


def test_a_shelly_with_a_door_contact_is_a_freezers_eyes(catalog: Catalog) -> None:
    payload = b"""{"src": "shellyplusht-08b61fcb5c74", "dst": "shellyplusht-08b61fcb5c74/events",
        "method": "NotifyFullStatus", "params": {"ts": 1795262400.0, "ble": {}, "cloud": {"connected": false},
        "devicepower:0": {"id": 0, "battery": {"V": 5.97, "percent": 96}, "external": {"present": false}},
        "humidity:0": {"id": 0, "rh": 42.2}, "temperature:0": {"id": 0, "tC": -19.8, "tF": -3.6},
        "input:0": {"id": 0, "state": false}, "wifi": {"rssi": -50}}}"""
    assert read(catalog, "shelly", "shellyplusht-08b61fcb5c74/events/rpc", payload) == Sent(
        "shellyplusht-08b61fcb5c74",
        [
            Entry(
                MILLIS,
                {"temperature": -19.8, "battery": 5.97, "door": 1.0},
                {"temperature": "degC", "battery": "V"},
            )
        ],
        [],
    )
    assert read(catalog, "shelly", "shellyplusht-08b61fcb5c74/online", b"false").online is False


def test_a_shelly_that_tells_of_something_else_tells_nothing(catalog: Catalog) -> None:
    payload = b'{"method": "NotifyStatus", "params": {"ts": 1795262400.0, "switch:0": {"id": 0, "output": true}}}'
    assert read(catalog, "shelly", "shelly1/events/rpc", payload) == Sent("shelly1", [], [])


def test_a_tasmota_with_a_probe(catalog: Catalog) -> None:
    payload = b"""{"Time": "2026-11-21T12:00:00", "Switch1": "OFF",
        "DS18B20": {"Id": "01131B123456", "Temperature": -20.3}, "TempUnit": "C"}"""
    assert read(catalog, "tasmota", "tele/freezer-2/SENSOR", payload).entries == [
        Entry(MILLIS, {"temperature": -20.3, "door": 0.0}, {"temperature": "degC"})
    ]
    assert read(catalog, "tasmota", "tele/freezer-2/LWT", b"Online").online is True


def test_a_contact_and_a_thermometer_of_zigbee2mqtt(catalog: Catalog) -> None:
    payload = b"""{"battery": 100, "contact": true, "device_temperature": 22, "linkquality": 80, "voltage": 3025,
        "last_seen": "2026-11-21T13:00:00+01:00", "power_outage_count": 3, "trigger_count": null}"""
    assert read(catalog, "zigbee2mqtt", "zigbee2mqtt/0x00158d0001a2b3c4", payload) == Sent(
        "0x00158d0001a2b3c4",
        [Entry(MILLIS, {"ambient": 22, "door": 0.0, "battery": 3025}, {"ambient": "degC", "battery": "mV"})],
        [],
    )
    assert read(catalog, "zigbee2mqtt", "zigbee2mqtt/door/availability", b'{"state": "offline"}').online is False


def test_a_coffee_machine_behind_a_bridge_to_home_connect(catalog: Catalog) -> None:
    payload = b"""{"BeverageCounterCoffee": 812, "BeverageCounterHotWater": null, "BeanContainerEmpty": "Present",
        "WaterTankEmpty": "Off", "PowerState": "On"}"""
    assert read(catalog, "home_connect", "homeconnect/coffeemaker/state", payload) == Sent(
        "coffeemaker",
        [Entry(None, {"BeverageCounterCoffee": 812})],
        [Occurrence("BeanContainerEmpty", None, {})],
    )


def own(folder: Path, text: str, catalog: Catalog, *shipped: str) -> list[MappedSource]:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return load_sources(shipped, folder, catalog)


def test_a_source_of_ones_own_is_data_only(tmp_path: Path, catalog: Catalog) -> None:
    (source,) = own(tmp_path, OWN, catalog)
    assert (source.name, list(source.filters)) == ("mine", ["mine/+"])


def test_a_source_of_ones_own_replaces_the_shipped_one_of_the_same_name(tmp_path: Path, catalog: Catalog) -> None:
    (source,) = own(tmp_path, OWN.replace("mine", "shelly"), catalog, "shelly")
    assert list(source.filters) == ["shelly/+"]


def test_every_problem_of_every_file_comes_at_once(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(OWN.replace("mine", "b").replace("temperature", "temprature"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(OWN.replace("mine", "c").replace("degF", "V"), encoding="utf-8")
    (tmp_path / "d.yaml").write_text(OWN.replace("mine", "d").replace("degF", "warmth"), encoding="utf-8")
    text = OWN.replace("mine/", "c/").replace("metric: temperature, unit: degF", "attribute: trouble")
    with pytest.raises(StopError) as stop:
        own(tmp_path, text, catalog)
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(stop.value).splitlines()]
    assert lines == [
        "a.yaml:1: messages: is missing",
        "b.yaml:5: messages.0.values.t: no product has a metric 'temprature'; did you mean 'temperature'?",
        "c.yaml:5: messages.0.values.t: 'V' cannot become the unit of temperature: °C",
        "d.yaml:5: messages.0.values.t: 'warmth' is no unit; write degC, mV, %, …",
        "mine.yaml:3: messages.0.topic: 'c/{device}' and 'c/{device}' (source c) are the same topics; make them differ",
        "mine.yaml:5: messages.0.values.t: no product has an attribute 'trouble'; did you mean 'trouble_codes'?",
    ]


def test_a_folder_that_is_not_there_is_said_with_the_settings_name(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(StopError, match=r"IOT_SOURCES_DIR=.*/nowhere: there is no such folder"):
        load_sources([], tmp_path / "nowhere", catalog)
