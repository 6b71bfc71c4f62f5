"""One version of a rule, and what of all its versions is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from iot_service.products.rule_spec import RuleSpec


class Mode(StrEnum):
    """What becomes of what a rule finds.

    ``live``: a need, with all that follows. ``shadow``: it is only written down what would have been a need. ``off``:
    the rule is not judged.
    """

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


class Source(StrEnum):
    """Where the text of a rule comes from: a file of an installation, or the API."""

    FILE = "file"
    API = "api"


class VersionChange(StrEnum):
    """What made a version: the rule was added, its text changed, it was removed, or its mode was changed."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One row of the history of a rule.

    ``id`` counts through the changes of all rules in their order, ``version`` from 1 through those of this rule.
    ``text`` is the whole rule as JSON; of one that was removed, as it was last. ``place`` is the file, None for what
    came through the API. ``at`` is UTC.
    """

    id: int
    product: str
    rule: str
    version: int
    change: VersionChange
    source: Source
    mode: Mode
    digest: str
    text: str
    author: str
    place: str | None
    at: datetime

    @property
    def removed(self) -> bool:
        """Whether this version took the text of its source away."""
        return self.change is VersionChange.REMOVED

    @property
    def who(self) -> str:
        """Who made it, for people."""
        return f"its file {self.place}" if self.author == Source.FILE else self.author


@dataclass(frozen=True, slots=True)
class Standing:
    """How one rule stands: the newest version of each source, at least one of them.

    What came through the API is in force until it is deleted; then the file's is again.
    """

    file: RuleVersion | None
    api: RuleVersion | None

    @property
    def newest(self) -> RuleVersion:
        """The newest version of either source."""
        found = [version for version in (self.file, self.api) if version is not None]
        return max(found, key=lambda version: version.id)

    @property
    def in_force(self) -> RuleVersion | None:
        """The version whose text holds now; None for a rule that was removed."""
        for version in (self.api, self.file):
            if version is not None and not version.removed:
                return version
        return None

    @property
    def hidden(self) -> RuleVersion | None:
        """The file's version that the API's overrides; None where there is none."""
        return self.file if self.in_force is self.api and self.file is not None and not self.file.removed else None

    @property
    def mode(self) -> Mode:
        """The mode that was set last; it stays over changes of the text."""
        return self.newest.mode

    @property
    def changed(self) -> int:
        """The id of the version that made what is in force now what it is."""
        if self.in_force is not None and self.in_force is self.api:
            return self.in_force.id
        return self.newest.id

    def why_not_live(self) -> str | None:
        """Return why no need of this rule can be open now, as a sentence; None for a rule that is live."""
        version = self.in_force
        if version is None:
            return f"The rule was removed by {self.newest.who} (version {self.newest.version})"
        if self.mode is Mode.LIVE:
            return None
        by = version if version.mode is self.mode else self.newest
        what = "put into shadow" if self.mode is Mode.SHADOW else "switched off"
        return f"The rule was {what} by {by.who} (version {by.version})"


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule as a runner judges by it.

    ``version`` is what its needs name, None where rules are not recorded; ``changed`` is the id of the change that made
    it what it is, 0 where rules are not recorded.
    """

    spec: RuleSpec
    mode: Mode = Mode.LIVE
    version: int | None = None
    changed: int = 0
