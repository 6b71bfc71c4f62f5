from __future__ import annotations

from datetime import UTC, datetime

import pytest

from iot_service.rules.versions.version import Mode, RuleVersion, Source, Standing, VersionChange


def version(id_: int, source: str = "file", change: str = "changed", mode: str = "live") -> RuleVersion:
    """A version by the file, or by anna over the API."""
    of = Source(source)
    author, place = ("file", "x.rules.yaml") if of is Source.FILE else ("anna", None)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return RuleVersion(
        id_, "freezer", "warm", id_, VersionChange(change), of, Mode(mode), "d", "{}", author, place, at
    )  # fmt: skip


def test_what_the_api_says_holds_over_the_file_whichever_is_newer() -> None:
    standing = Standing(file=version(5), api=version(2, "api"))
    assert standing.in_force is standing.api
    assert standing.hidden is standing.file
    assert standing.changed == 2, "a change of the file under it changes nothing"


def test_the_file_holds_again_when_the_api_takes_its_word_back() -> None:
    standing = Standing(file=version(1), api=version(4, "api", "removed"))
    assert standing.in_force is standing.file
    assert standing.hidden is None
    assert standing.changed == 4
    assert standing.why_not_live() is None


def test_the_mode_stays_when_the_text_changes_hands() -> None:
    assert Standing(file=version(1), api=version(4, "api", "removed", mode="shadow")).mode is Mode.SHADOW


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (Standing(version(3, change="removed"), None), "The rule was removed by its file x.rules.yaml (version 3)"),
        (Standing(None, version(3, "api", "removed")), "The rule was removed by anna (version 3)"),
        (Standing(version(1), version(2, "api", mode="off")), "The rule was switched off by anna (version 2)"),
        (Standing(None, version(2, "api", "mode", "shadow")), "The rule was put into shadow by anna (version 2)"),
        (Standing(version(1), None), None),
    ],
)
def test_why_no_need_of_it_can_be_open_is_said_with_who_did_it(standing: Standing, said: str | None) -> None:
    assert standing.why_not_live() == said
