"""``rules check``: everything that is wrong with product, rule and test files, by file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from iot_service.errors import StopError
from iot_service.products.catalog import TEMPLATES, Catalog, CatalogFiles, read_catalog, shipped_files
from iot_service.products.documents import parse_document, read_text, validate
from iot_service.products.problems import Problem, show_problems
from iot_service.rules.compiled import compile_product
from iot_service.rules.testfile import TestFile, name_problems

_TESTS = ".test.yaml"


def check_files(paths: Iterable[Path]) -> list[Problem]:
    """Return all that is wrong with the files ``paths`` (folders: every YAML file in them), in order of file and line.

    They are read together with the shipped files, as the service would. A rule file without a test file beside it is a
    problem too.
    """
    files = list(_files(paths))
    read = _read(files)
    problems = [*read.problems, *expression_problems(read)]
    for file in files:
        if file.name.endswith(_TESTS):
            document = parse_document(str(file), read_text(file))
            tests, found = validate(document, TestFile)
            problems += found if tests is None else name_problems(document, tests, read.catalog)
        elif file.name.endswith(".rules.yaml"):
            beside = file.with_name(file.name.removesuffix(".yaml") + _TESTS)
            if not beside.exists():
                problems.append(Problem(str(file), 0, "", f"there is no {beside.name} beside it; write its tests"))
    return sorted(set(problems))


def catalog_with(paths: Iterable[Path]) -> Catalog:
    """Return the shipped catalog with the files ``paths`` on top. Raises StopError with all that is wrong."""
    read = _read(list(_files(paths)))
    problems = [*read.problems, *expression_problems(read)]
    if problems:
        raise StopError(show_problems(problems))
    return read.catalog


def files_of_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the test files among ``paths``, and those beside the rule files among them."""
    found: dict[Path, None] = {}
    for file in _files(paths):
        beside = file if file.name.endswith(_TESTS) else file.with_name(file.name.removesuffix(".yaml") + _TESTS)
        if beside.exists():
            found[beside] = None
    return list(found)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.yaml"))
        elif path.exists():
            yield path
        else:
            raise StopError(f"{path}: there is no such file or folder")


def _read(files: list[Path]) -> CatalogFiles:
    given = {str(file.resolve()) for file in files}
    shipped = [file for file in shipped_files() if str(file) not in given]
    beside = {file.with_name(TEMPLATES) for file in files} - set(files)
    templates = [file for file in sorted(beside) if file.exists()]
    return read_catalog([*shipped, *templates, *(file for file in files if not file.name.endswith(_TESTS))])


def expression_problems(read: CatalogFiles) -> list[Problem]:
    """Return which rules and product models of ``read`` cannot be compiled, and why."""
    problems: list[Problem] = []
    for name, model in read.catalog.products.items():
        _, found = compile_product(model, read.catalog.rules.get(name, {}).values())
        for problem in found:
            if problem.rule is None:
                problems.append(read.sources["product", name].problem(problem.field, problem.message))
            else:
                source = read.sources["rule", name, problem.rule]
                problems.append(source.problem(("rules", problem.rule, *problem.field), problem.message))
    return problems
