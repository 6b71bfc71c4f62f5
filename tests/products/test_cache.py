"""What is kept of files between two starts, and that nothing of it is believed that could be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from iot_service.errors import StopError
from iot_service.products.cache import CacheFile, code_version, digest
from iot_service.products.catalog import load_catalog
from iot_service.products.documents import Document, parse_document

RULES = """\
product: freezer
rules:
  hot:
    kind: fault
    severity: high
    title: {nb: Varm, en: Hot}
    when: ambient > 40
"""


def kept(path: Path, version: str = "1", *, least: int = 0) -> CacheFile:
    return CacheFile(path, version=lambda: version, least=least)


def written(path: Path, **entries: Any) -> CacheFile:
    file = kept(path)
    for key, value in entries.items():
        file.put(key, value)
    file.save()
    return file


def test_what_was_put_is_there_the_next_time(tmp_path: Path) -> None:
    written(tmp_path / "cache" / "file.json", a={"x": [1, 2.5, None, True, "æ"]})
    assert kept(tmp_path / "cache" / "file.json").get("a") == {"x": [1, 2.5, None, True, "æ"]}
    assert kept(tmp_path / "cache" / "file.json").get("b") is None
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["file.json"]


def test_what_nobody_asked_for_is_left_out_when_something_new_is_written(tmp_path: Path) -> None:
    written(tmp_path / "file.json", a=1, b=2)
    file = kept(tmp_path / "file.json")
    assert file.get("a") == 1
    file.save()
    assert kept(tmp_path / "file.json").get("b") == 2, "nothing was new, so nothing was written"
    file.put("c", 3)
    file.save()
    again = kept(tmp_path / "file.json")
    assert (again.get("a"), again.get("b"), again.get("c")) == (1, None, 3)


@pytest.mark.parametrize("value", [{1: "a"}, datetime(2026, 1, 1, tzinfo=UTC), float("nan"), float("inf"), (1, 2)])
def test_what_json_cannot_give_back_as_it_was_is_not_kept(tmp_path: Path, value: object) -> None:
    written(tmp_path / "file.json", a=value, b="fine")
    assert kept(tmp_path / "file.json").get("a") is None
    assert kept(tmp_path / "file.json").get("b") == "fine"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b'"fine"', b'"fake"'),
        lambda data: data.replace(b"\n", b"", 1),
        lambda data: b"1 " + data[70:],
        lambda _: b"1 \xff\xfe",
    ],
)
def test_a_damaged_file_has_no_entries_and_says_so(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "file.json"
    written(path, a="fine")
    path.write_bytes(damage(path.read_bytes()))
    with capture_logs() as logs:
        assert kept(path).get("a") is None
    assert [log["action"] for log in logs] == ["cache.damaged"]


def test_a_file_of_other_code_has_no_entries(tmp_path: Path) -> None:
    written(tmp_path / "file.json", a="fine")
    with capture_logs() as logs:
        assert kept(tmp_path / "file.json", version="2").get("a") is None
    assert [log["action"] for log in logs] == ["cache.outdated"]
    assert len(code_version()) == 32


def test_a_folder_that_cannot_be_written_to_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the place of the folder")
    with capture_logs() as logs:
        written(tmp_path / "cache" / "file.json", a="fine")
    assert {log["action"] for log in logs} == {"cache.unread", "cache.unwritten"}


def test_few_entries_are_not_worth_a_file(tmp_path: Path) -> None:
    file = kept(tmp_path / "file.json", least=100)
    file.put("a", "short")
    file.save()
    assert list(tmp_path.iterdir()) == []


def test_files_that_have_not_changed_are_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "freezer.rules.yaml").write_text(RULES, encoding="utf-8")
    first = load_catalog(tmp_path, cache=kept(tmp_path / "cache.json"))
    parsed: list[str] = []

    def parse(file: str, text: str) -> Document:
        parsed.append(Path(file).name)
        return parse_document(file, text)

    monkeypatch.setattr("iot_service.products.catalog.parse_document", parse)
    assert load_catalog(tmp_path, cache=kept(tmp_path / "cache.json")) == first
    assert parsed == []
    (tmp_path / "freezer.rules.yaml").write_text(RULES.replace("40", "41"), encoding="utf-8")
    second = load_catalog(tmp_path, cache=kept(tmp_path / "cache.json"))
    assert parsed == ["freezer.rules.yaml"]
    assert second.rules["freezer"]["hot"].when == "ambient > 41"


def test_what_is_wrong_is_told_by_line_whatever_is_kept(tmp_path: Path) -> None:
    (tmp_path / "freezer.rules.yaml").write_text(RULES + "    service: repair_it\n", encoding="utf-8")
    for _ in range(2):
        cache = kept(tmp_path / "cache.json")
        with pytest.raises(StopError, match=r"freezer\.rules\.yaml:8: rules\.hot\.service: no service 'repair_it'"):
            load_catalog(tmp_path, cache=cache)
        cache.save()


def test_an_entry_is_believed_only_for_the_very_same_text(tmp_path: Path) -> None:
    text = (tmp_path / "freezer.rules.yaml", RULES)
    text[0].write_text(RULES, encoding="utf-8")
    cache = kept(tmp_path / "cache.json")
    cache.put(digest(RULES + " "), {"product": "freezer", "rules": {}})
    assert "hot" in load_catalog(tmp_path, cache=cache).rules["freezer"]
