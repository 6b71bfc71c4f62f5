"""Devices from a CSV file: every mistake is told at once with its line, and all are registered or none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from iot_service.db import Connection
from iot_service.errors import InvalidInputError
from iot_service.products.catalog import Catalog
from iot_service.products.problems import Problem, show_problems
from iot_service.registry.new_device import NewDevice, mistakes
from iot_service.registry.register import register

_COLUMNS = ("id", "product", "customer_id", "site_id", "name")
_NEEDED = ("id", "product", "customer_id")
_PARAMETER = "parameter."
_MOST_TOLD = 100


class ImportFileError(InvalidInputError):
    """A file cannot be imported; ``problems`` lists all that is wrong, in order of lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        said = show_problems(self.problems[:_MOST_TOLD])
        more = len(self.problems) - _MOST_TOLD
        super().__init__(f"{said}\n… and {more} more" if more > 0 else said)


def import_devices(
    connection: Connection,
    text: str,
    *,
    file: str,
    catalog: Catalog,
    actor: str,
    now: datetime,
    with_secrets: bool = True,
) -> tuple[int, dict[str, str]]:
    """Register the devices of a CSV ``text``; return how many they are, and their secrets by id, shown this once.

    Its first line names the columns: ``id``, ``product``, ``customer_id``, and if wanted ``site_id``, ``name`` and
    ``parameter.NAME``. ``file`` is what the file is called. Raises ImportFileError; the caller must roll back then.
    """
    lines, devices, problems = _read(text, file)
    for mistake in mistakes(connection, devices, catalog):
        problems.append(Problem(file, lines[mistake.place], mistake.field, mistake.message))
    if problems:
        raise ImportFileError(problems)
    secrets = register(
        connection,
        devices,
        catalog=catalog,
        actor=actor,
        reason="the device was registered from a file",
        now=now,
        with_secrets=with_secrets,
    )
    return len(devices), secrets


def _read(text: str, file: str) -> tuple[list[int], list[NewDevice], list[Problem]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    problems: list[Problem] = []
    lines: list[int] = []
    devices: list[NewDevice] = []
    try:
        names = list(rows.fieldnames or [])
        problems += [Problem(file, 1, "", message) for message in _header_problems(names)]
        if problems:
            return [], [], problems
        for row in rows:
            if row.get("") or None in row.values():
                problems.append(Problem(file, rows.line_num, "", f"must have {len(names)} values, as the first line"))
                continue
            device, wrong = _device(row)
            problems += [Problem(file, rows.line_num, field, message) for field, message in wrong]
            lines.append(rows.line_num)
            devices.append(device)
    except csv.Error as error:
        problems.append(Problem(file, rows.reader.line_num, "", f"is no CSV: {error}"))
    if not devices and not problems:
        problems.append(Problem(file, 0, "", "has no devices"))
    return lines, devices, problems


def _header_problems(names: list[str]) -> Iterator[str]:
    known = ", ".join([*_COLUMNS, f"{_PARAMETER}NAME"])
    for name in _NEEDED:
        if name not in names:
            yield f"the first line must name the column {name}; known are {known}"
    for name in names:
        if name not in _COLUMNS and not name.startswith(_PARAMETER):
            yield f"there is no column {name!r}; known are {known}"
        if names.count(name) > 1:
            yield f"the column {name!r} stands twice"


def _device(row: dict[str, str]) -> tuple[NewDevice, list[tuple[str, str]]]:
    wrong: list[tuple[str, str]] = []
    parameters: dict[str, float] = {}
    for name, text in row.items():
        if name.startswith(_PARAMETER) and text.strip():
            key = name.removeprefix(_PARAMETER)
            try:
                parameters[key] = float(text)
            except ValueError:
                wrong.append((f"parameters.{key}", f"{text!r} is no number"))
    values = {name: row.get(name, "").strip() for name in _COLUMNS}
    device = NewDevice(
        values["id"],
        values["product"],
        values["customer_id"],
        values["site_id"] or None,
        values["name"] or values["id"],
        parameters,
    )
    return device, wrong
