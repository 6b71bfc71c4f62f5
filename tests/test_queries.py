"""Every named query fits the real schema, and every one is used."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from iot_service.db import Database, load_queries

ROOT = Path(__file__).parent.parent / "iot_service"
PACKAGES = sorted("iot_service." + ".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.rglob("queries.sql"))
PARAMETER = re.compile(r"%\((\w+)\)[sb]")


@pytest.mark.parametrize("package", PACKAGES)
def test_each_query_is_prepared_against_the_schema(package: str, database: Database) -> None:
    with database.transaction() as connection:
        for query in load_queries(package).values():
            text = query.text.replace("%%", "%")
            for number, name in enumerate(dict.fromkeys(PARAMETER.findall(text)), start=1):
                text = re.sub(rf"%\({name}\)[sb]", rf"${number}", text)
            statement = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).lstrip().upper()
            if statement.startswith("CREATE TEMP"):
                connection.execute(psycopg.sql.SQL(text))  # what comes after it in the file may use it
                continue
            if statement.startswith(("COPY", "NOTIFY", "SAVEPOINT")):
                continue
            try:
                connection.execute(psycopg.sql.SQL("PREPARE checked AS " + text))
            except psycopg.Error as error:
                pytest.fail(f"{package}: {query.name}: {error}")
            connection.execute("DEALLOCATE checked")


@pytest.mark.parametrize("package", PACKAGES)
def test_each_query_is_used_in_its_own_package(package: str) -> None:
    folder = ROOT / "/".join(package.split(".")[1:])
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    unused = [name for name in load_queries(package) if f'"{name}"' not in source]
    assert unused == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_query_says_what_it_does(package: str) -> None:
    folder = ROOT / "/".join(package.split(".")[1:])
    lines = (folder / "queries.sql").read_text(encoding="utf-8").splitlines()
    silent = [
        line for number, line in enumerate(lines)
        if line.startswith("-- name:") and not lines[number + 1].startswith("-- ")
    ]  # fmt: skip
    assert silent == []
