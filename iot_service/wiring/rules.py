"""`rules check` and `rules test`: what a person who writes rules sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.products.problems import show_problems
from iot_service.rules.checks import catalog_with, check_files, files_of_tests
from iot_service.rules.lets.functions import FUNCTIONS
from iot_service.rules.testfile import TestReport, run_test_file


@dataclass(frozen=True, slots=True)
class Report:
    """What to print, and whether all was well."""

    text: str
    passed: bool


def check_rules(settings: Settings, paths: list[Path]) -> Report:
    """Check the files ``paths``, or the shipped ones and those of ``IOT_PRODUCTS_DIR``."""
    paths = paths or _all(settings)
    problems = check_files(paths)
    if problems:
        return Report(show_problems(problems), False)
    return Report(f"no errors in {', '.join(str(path) for path in paths)}", True)


def test_rules(settings: Settings, paths: list[Path]) -> Report:
    """Run the test files among ``paths`` and beside their rule files, or the shipped ones and those of one's own.

    Raises StopError where there is no test to run.
    """
    paths = paths or _all(settings)
    files = files_of_tests(paths)
    if not files:
        raise StopError(f"there is no *.rules.test.yaml in {', '.join(map(str, paths))}")
    beside = [path for path in paths if path.is_dir()] or [path for path in _beside(files) if path.exists()]
    catalog = catalog_with(beside)
    reports = [run_test_file(file, catalog) for file in files]
    lines = [line for report in reports for line in _lines(report)]
    count = sum(len(report.results) for report in reports)
    failed = sum(not result.passed for report in reports for result in report.results)
    lines.append(f"{count - failed} passed, {failed} failed")
    return Report("\n".join(lines), all(report.passed for report in reports))


def show_functions() -> str:
    """Return every function of ``let``, a row each, as a Markdown table."""
    rows = [f"| `{each.signature}` | {each.gives} | `{each.example}` |" for each in FUNCTIONS.values()]
    return "\n".join(["| function | what it gives | example |", "| --- | --- | --- |", *rows])


def _lines(report: TestReport) -> Iterator[str]:
    yield report.file
    if report.problems:
        yield show_problems(report.problems)
    for result in report.results:
        yield f"  {'ok  ' if result.passed else 'FAIL'} {result.name} (line {result.line})"
        yield from (f"         {failure}" for failure in result.failures)


def _beside(files: list[Path]) -> list[Path]:
    return [file.with_name(file.name.replace(".test.yaml", ".yaml")) for file in files]


def _all(settings: Settings) -> list[Path]:
    shipped = resources.files("iot_service.products")
    assert isinstance(shipped, Path), "the package is installed as plain files"
    return [shipped, *([settings.products_dir] if settings.products_dir else [])]
