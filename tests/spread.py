"""The pytest plugin that spreads the tests over processes (``-n``): what shares a server stays in one of them.

A unit of work is the tests of one file on one engine, but the stories that share a running service are one unit. The
longest units begin first, so that no process is left alone with one at the end; then come all others on one engine
before those on the next, because a process makes its databases anew when it changes between them.
"""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

STORIES = "tests/stories/test_(car|coffee_machine|recordings|vaccine_freezer).py"
LONGEST = (STORIES, "tests/test_wheel.py", "tests/faults/", "tests/stories/", "tests/test_docs.py")
"""Patterns of what begins first, the longest before all."""
_ENGINE = re.compile(r"\[(embedded|timescale)\b")


def unit_of(node: str) -> str:
    """Return the unit of work that the test with the id ``node`` belongs to, ``FILE@ENGINE``."""
    file, _, name = node.partition("::")
    engine = _ENGINE.search(name)
    shared = STORIES if re.fullmatch(STORIES, file) else file
    return f"{shared}@{engine[1] if engine else ''}"


def place_of(node: str) -> tuple[int, bool]:
    """Return what to sort the test with the id ``node`` by."""
    places = [place for place, pattern in enumerate(LONGEST) if re.match(pattern, node)]
    return (min(places, default=len(LONGEST)), not places and unit_of(node).endswith("@timescale"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in the order in which their units shall begin."""
    items.sort(key=lambda item: place_of(item.nodeid))


class UnitScheduling(LoadScopeScheduling):
    """Gives each process the next unit when it is about to run out of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Spread by units, in our order."""
    config.option.loadscopereorder = False
    return UnitScheduling(config, log)
