"""Docs are executed: files that a page shows are written, commands that it shows are run; what exists is documented."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from iot_service.config import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FILE = re.compile(r"^`([\w./-]+)`\n```(?:yaml|csv|json)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINKED = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def program(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program in ``folder``, without the settings of this process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IOT_")}
    return subprocess.run(
        [sys.executable, "-m", "iot_service", *arguments],
        cwd=folder, env={**environment, "COLUMNS": "200", "PYTHONPATH": str(ROOT), **variables},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in CONSOLE.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ iot-service ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_run_on_the_files_it_shows(page: Path, tmp_path: Path, database_url: str) -> None:
    for name, text in FILE.findall(page.read_text(encoding="utf-8")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command in commands(page):
        done = program(*command, folder=tmp_path, IOT_DATABASE_URL=database_url, IOT_DATA_DIR=str(tmp_path))
        assert done.returncode == 0, f"{page.name}: iot-service {shlex.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    missing = [
        target for target in LINKED.findall(page.read_text(encoding="utf-8")) if not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_setting_is_listed_as_it_is() -> None:
    listed = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [
        name for name, field in Settings.model_fields.items() if f"`IOT_{name.upper()}`" not in listed
        or str(field.description).replace("|", "\\|") not in listed
    ]  # fmt: skip
    assert missing == [], "write docs/settings.md anew: iot-service settings > docs/settings.md"


def all_commands() -> list[tuple[str, ...]]:
    from typer.main import get_command

    from iot_service.cli import app

    found: list[tuple[str, ...]] = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(path)
        else:
            for name, child in children.items():
                walk(child, (*path, name))

    walk(get_command(app), ())
    return found


@pytest.mark.parametrize("command", all_commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...], tmp_path: Path) -> None:
    done = program(*command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Example" in done.stdout
