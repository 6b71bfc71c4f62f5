"""`rules check`: all that is wrong, by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from iot_service.errors import StopError
from iot_service.rules.checks import catalog_with, check_files, files_of_tests

BAD = """\
product: freezer
rules:
  warm:
    kind: fault
    severity: hgh
    title: {nb: For varm, en: Too warm}
    when: temperature > -60
  silent_door:
    kind: fault
    severity: high
    title: {nb: Dør, en: Door}
    wen: dor > 0
    when: door > 0
"""
GOOD = """\
product: freezer
rules:
  door_open:
    kind: fault
    severity: low
    title: {nb: Døren er åpen, en: Door open}
    when: dor > 0 && temprature > 1
    clear: door + 1
"""
TESTS = "product: freezer\ntests:\n  - name: x\n    readings: {door: '1'}\n    expect: [{at: 1m, open: [door_opn]}]\n"


def test_all_problems_of_a_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "freezer.rules.yaml"
    path.write_text(BAD, encoding="utf-8")
    assert [(problem.line, problem.field, problem.message) for problem in check_files([tmp_path])] == [
        (0, "", "there is no freezer.rules.test.yaml beside it; write its tests"),
        (5, "rules.warm.severity", "Input should be 'low', 'normal', 'high' or 'critical'"),
        (12, "rules.silent_door.wen", "no such key; did you mean 'when'?"),
    ]


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    for name in ("freezer.rules.yaml", "freezer.rules.test.yaml"):
        path = tmp_path / name
        path.write_bytes("product: freezer\n# Døren\n".encode("latin-1"))
        with pytest.raises(StopError, match=f"{name}:2: is not UTF-8; save it as such"):
            check_files([path])


def test_wrong_names_in_expressions_and_tests_come_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "freezer.rules.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "freezer.rules.test.yaml").write_text(TESTS, encoding="utf-8")
    shown = [str(problem).removeprefix(f"{tmp_path}/") for problem in check_files([tmp_path])]
    assert shown[0] == (
        "freezer.rules.test.yaml:5: tests.0.expect.0.open: no rule 'door_opn'; did you mean 'door_open'?"
    )
    assert shown[1].startswith("freezer.rules.yaml:7: rules.door_open.when: there is no 'dor'; did you mean 'door'?")
    assert shown[2].endswith("there is no 'temprature'; did you mean 'temperature'?")
    assert shown[3].startswith("freezer.rules.yaml:8: rules.door_open.clear: ")
    with pytest.raises(StopError, match="temprature"):
        catalog_with([tmp_path])


def test_rules_of_ones_own_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    text = GOOD.replace("dor > 0 && temprature > 1", "door > 0").replace("door + 1", "door == 0")
    (tmp_path / "freezer.rules.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "freezer.rules.test.yaml").write_text(TESTS.replace("opn", "open"), encoding="utf-8")
    assert check_files([tmp_path]) == []
    assert {"door_open", "temperature_high"} <= set(catalog_with([tmp_path]).rules["freezer"])
    assert files_of_tests([tmp_path / "freezer.rules.yaml"]) == [tmp_path / "freezer.rules.test.yaml"]


def test_a_file_that_is_not_there_stops(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="no such file"):
        check_files([tmp_path / "none.yaml"])


MIXED = """\
product: freezer
rules:
  warm:
    kind: falt
    severity: high
    title: {nb: For varm, en: Too warm}
    when: temperature > -60
  mean:
    kind: fault
    severity: high
    title: {nb: Snitt, en: Mean}
    service: frezer_repair
    let:
      mean: avg(temp, 30m)
      twice: mean * 2
    when: mean > -60 && twice > 1
  door:
    kind: fault
    severity: low
    title: {nb: Dør, en: Door}
    when: dor == 1
  door:
    kind: fault
    severity: low
    title: {nb: Dør, en: Door}
    when: dor == 1
"""


def test_a_wrong_rule_hides_nothing_of_the_others_and_one_mistake_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "freezer.rules.yaml"
    path.write_text(MIXED, encoding="utf-8")
    (tmp_path / "freezer.rules.test.yaml").write_text("product: freezer\ntests: []\n", encoding="utf-8")
    assert [(problem.line, problem.field) for problem in check_files([path])] == [
        (4, "rules.warm.kind"),
        (12, "rules.mean.service"),
        (14, "rules.mean.let.mean"),
        (22, "rules.door"),
        (26, "rules.door.when"),
    ]


def test_an_empty_file_is_told_what_belongs_there(tmp_path: Path) -> None:
    path = tmp_path / "freezer.rules.yaml"
    path.write_text("\n", encoding="utf-8")
    assert "write keys with their values" in check_files([path])[-1].message
