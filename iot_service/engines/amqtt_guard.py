"""For the broker of last resort: who may connect and do what, read from the files that Mosquitto would read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from iot_service.engines.mosquitto_files import ACCESS_LIST, PASSWORDS
from iot_service.engines.passwords import is_secret
from iot_service.engines.topic_rights import NO_RIGHTS, TopicRights


@dataclass
class GuardConfig:
    """Where the files are."""

    folder: str = ""


class SecretGuard(BaseAuthPlugin):  # type: ignore[misc]  # the library is not typed
    """Lets in whose name and secret stand in the password file."""

    Config = GuardConfig

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._file = _Watched(Path(self.config.folder) / PASSWORDS)
        self._hashes: dict[str, str] = {}

    async def authenticate(self, *, session: Session) -> bool:
        """Return whether the client may connect."""
        text = self._file.fresh_text()
        if text is not None:
            self._hashes = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return is_secret(session.password or "", self._hashes.get(session.username or "", ""))


class TopicGuard(BaseTopicPlugin):  # type: ignore[misc]  # the library is not typed
    """Lets clients publish to, and hear, what the access list grants them."""

    Config = GuardConfig

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._file = _Watched(Path(self.config.folder) / ACCESS_LIST)
        self._granted = Granted()

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Return whether the client may do that."""
        text = self._file.fresh_text()
        if text is not None:
            self._granted = rights_in(text)
        rights = self._granted.of((session.username if session else None) or "")
        asked = {
            Action.PUBLISH: rights.may_publish,
            Action.SUBSCRIBE: rights.may_subscribe,
            Action.RECEIVE: rights.may_receive,
        }
        return action in asked and asked[action](topic or "")


@dataclass(frozen=True, slots=True)
class Granted:
    """What an access list grants: to some by name, and to all others (``devices``, with ``%u`` for their names)."""

    by_name: dict[str, TopicRights] = field(default_factory=dict)
    devices: TopicRights = NO_RIGHTS

    def of(self, username: str) -> TopicRights:
        """Return what one user may do."""
        return self.by_name.get(username) or self.devices.of(username)


def rights_in(text: str) -> Granted:
    """Return the rights that an access list of ours grants; who is denied anything has none."""
    topics: dict[tuple[str, str], list[str]] = defaultdict(list)
    names: set[str] = set()
    denied: set[str] = set()
    user = ""
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        access, _, topic = rest.partition(" ")
        if word == "user":
            user = rest
            names.add(user)
        elif word == "topic" and access == "deny":
            denied.add(user)
        elif word in {"topic", "pattern"}:
            topics[user if word == "topic" else "", access].append(topic)

    def granted(name: str) -> TopicRights:
        return TopicRights(tuple(topics[name, "write"]), tuple(topics[name, "read"]))

    return Granted({name: NO_RIGHTS if name in denied else granted(name) for name in names}, granted(""))


class _Watched:
    """A file that is read again when another has taken its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def fresh_text(self) -> str | None:
        """Return what the file says where that is new, else None."""
        try:
            about = self._path.stat()
            if (about.st_ino, about.st_mtime_ns) == self._seen:
                return None
            text = self._path.read_text(encoding="utf-8")
        except OSError:
            return None
        self._seen = (about.st_ino, about.st_mtime_ns)
        return text
