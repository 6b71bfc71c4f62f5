"""The YAML file of a source, right and wrong."""

from __future__ import annotations

import pytest
import yaml

from iot_service.ingest.formats.format import acl_lines
from iot_service.ingest.formats.mapped import MappedSource
from iot_service.ingest.formats.source_spec import SourceSpec, word
from iot_service.products.documents import parse_document, validate

GOOD = """\
name: example
messages:
  - topic: tele/{device}/SENSOR
    time: Time
    values:
      T: {metric: temperature, unit: degC}
      S: {metric: door, map: {ON: 1, OFF: 0}}
"""


def problems(text: str) -> list[str]:
    return [str(problem) for problem in validate(parse_document("example.yaml", text), SourceSpec)[1]]


def test_a_good_file_has_no_problems_and_says_what_the_broker_must_grant() -> None:
    assert problems(GOOD) == []
    spec = SourceSpec.model_validate(yaml.safe_load(GOOD))
    assert spec.messages[0].topic_filter == "tele/+/SENSOR"
    assert spec.messages[0].time is not None
    assert spec.messages[0].time.format == "iso"
    assert acl_lines(MappedSource(spec)) == ["topic read tele/+/SENSOR", "pattern write tele/%u/SENSOR"]


def test_a_device_that_is_named_in_the_payload_has_no_topic_of_its_own_to_grant() -> None:
    text = GOOD.replace("tele/{device}/SENSOR", "tele/up\n    device: serial")
    assert acl_lines(MappedSource(SourceSpec.model_validate(yaml.safe_load(text)))) == ["topic read tele/up"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: example", "name: My Source", "example.yaml:1: name: String should match pattern"),
        ("unit: degC", "unti: degC", "no such key; did you mean 'unit'?"),
        ("time: Time", "tmie: Time", "example.yaml:4: messages.0.tmie: no such key; did you mean 'time'?"),
        ("time: Time", "time: a..b", "is no path; write names and places as"),
        ("time: Time", "time: {path: T, format: unix}", "no format 'unix'; write iso, seconds, milliseconds"),
        ("time: Time", "time: {path: T, zone: Oslo}", "no time zone 'Oslo'; write one as Europe/Oslo"),
        ("      T:", "      a..b:", "is no path"),
        ("metric: temperature", "metrics: temperature", "T.0.metrics: no such key; did you mean 'metric'?"),
        ("metric: temperature,", "", "write exactly one of metric, attribute and event"),
        ("metric: temperature", "metric: temperature, event: Hot", "write exactly one of"),
        ("metric: temperature", "attribute: temperature", "only a metric has a unit"),
        ("{metric: door, map: {ON: 1, OFF: 0}}", "{event: Opened}", "has when: the list of values"),
        ("{metric: door, map: {ON: 1, OFF: 0}}", "{metric: door, when: [a]}", "has when: the list of values"),
        ("{metric: door, map", "{event: Opened, when: [a], map", "an event has no map"),
        ("ON: 1", "ON: open", "the map of a metric leads to numbers"),
        ("{device}", "{device}-x", "the level '{device}-x' mixes"),
        ("tele/{device}", "tele/a+", "the level 'a+' mixes"),
        ("tele/{device}", "tele/#/{device}", "# may stand at the end of a topic only"),
        ("tele/{device}", "tele/{device}/{device}", "{device} may stand once in a topic"),
        ("tele/{device}", "iot/{device}", "a topic does not begin with 'iot'"),
        ("tele/{device}", "+/{device}", "a topic does not begin with '+'"),
        ("tele/{device}", "$SYS/{device}", "a topic does not begin with '$SYS'"),
        ("tele/{device}/SENSOR", "tele/SENSOR", "name the device once: by {device} in the topic, or by device"),
        ("time: Time", "device: serial", "name the device once"),
        ("\n    time: Time", "\n    online: {map: {up: 5}}", "Input should be a valid boolean"),
        ("\n    time: Time", "\n    online: {map: {}}", "at least 1 item"),
    ],
)
def test_a_problem_names_the_line_and_what_would_be_right(old: str, new: str, problem: str) -> None:
    found = problems(GOOD.replace(old, new, 1))
    assert any(problem in line for line in found), found
    assert all(line.startswith("example.yaml:") for line in found)


def test_a_message_that_says_nothing_is_a_problem() -> None:
    (problem,) = problems("name: example\nmessages:\n  - topic: a/{device}\n")
    assert problem == "example.yaml:3: messages.0: write values, online, or both"


def test_a_source_without_messages_is_a_problem() -> None:
    assert problems("name: example\nmessages: []\n") == ["example.yaml:1: messages is empty; write at least one topic"]


def test_words_are_json_values_as_they_are_written() -> None:
    assert [word(value) for value in (True, False, 1, 1.0, 1.5, "ON")] == ["true", "false", "1", "1", "1.5", "ON"]
