"""The page about Sparkplug says what is done."""

from __future__ import annotations

import re
from pathlib import Path

from iot_service.ingest.sparkplug.values import DataType

PAGE = (Path(__file__).parents[3] / "docs" / "sparkplug.md").read_text(encoding="utf-8")


def test_the_page_says_what_each_data_type_becomes() -> None:
    table = re.search(r"^\| data type .*?\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert table is not None
    named = {word.upper() for word in re.findall(r"\w+", table[0])}
    assert {data_type.name for data_type in DataType} - named == set()
