"""The story feed: one line for each thing that was measured, detected, decided or sent. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from iot_service.live.store import Poll, Row
from iot_service.live.vocabulary import Vocabulary

_CHANNELS = {"app": "app", "sms": "SMS", "email": "e-mail"}


class Step(StrEnum):
    """Which part of the flow a line tells of."""

    MEASURED = "measured"
    DETECTED = "detected"
    DECIDED = "decided"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Story:
    """One line of the feed: ``at`` is when it happened (UTC), ``who`` the device, ``grave`` asks for attention.

    Of lines with the same ``topic`` only the first is worth telling; an empty one is told each time.
    """

    at: datetime
    step: Step
    who: str
    text: str
    grave: bool = False
    topic: str = ""


def printable(text: str) -> str:
    """Return ``text`` on one line and without control characters: devices must not steer a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def stories(poll: Poll, words: Vocabulary, *, told: frozenset[int] = frozenset()) -> list[Story]:
    """Tell what is new in ``poll``, in the order of the flow; ``told`` are deliveries that were told before."""
    fresh = [row for row in reversed(poll.deliveries) if row["id"] not in told]
    return [
        *_repeated(poll.dead_letters, lambda row: f"message not understood: {row['reason'].replace('_', ' ')}"),
        *(replace(story, topic="") for story in _repeated(poll.device_events, lambda row: str(row["name"]))),
        *(story for row in poll.events for story in _of_event(row, words)),
        *_of_deliveries(fresh),
    ]


def _repeated(rows: tuple[Row, ...], text_of: Callable[[Row], str]) -> Iterator[Story]:
    """Tell rows that say the same of the same device as one line, so that a babbling device drowns nobody."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["device_name"] or "unknown", text_of(row)), []).append(row)
    for (who, text), group in groups.items():
        times = f" ({len(group)} times)" if len(group) > 1 else ""
        yield Story(group[-1]["at"], Step.MEASURED, printable(who), printable(text) + times, topic=f"{who}: {text}")


def _of_event(row: Row, words: Vocabulary) -> Iterator[Story]:
    who = printable(row["device_name"] or row["customer_name"] or "service")
    at, kind, reason = row["at"], str(row["type"]), printable(row["reason"])
    subject, _, change = kind.partition(".")
    if subject == "device":
        text = change.replace("_", " ")
        yield Story(at, Step.MEASURED, who, f"{text}: {reason}" if reason else text)
    elif subject == "need":
        title = printable(words.title(row["product"] or "", row["rule"] or "need", row["evidence"]))
        if change == "opened":
            yield Story(at, Step.MEASURED, who, printable(row["need_reason"] or reason))
            grave = row["severity"] in {"critical", "high"}
            yield Story(at, Step.DETECTED, who, f"{title} ({row['severity']} {row['kind']})", grave)
        elif change == "resolved":
            yield Story(at, Step.DETECTED, who, f"{title} is over: {reason}")
        else:
            word = str(row["new"] or change) if change == "engaged" else change
            said = reason if reason.lower().startswith(word) else f"{word}, {reason}"
            yield Story(at, Step.DECIDED, who, f"{title}: {said}")
    else:
        yield Story(at, Step.DECIDED, who, f"{subject} {change.replace('_', ' ')}: {reason}")


def _of_deliveries(rows: list[Row]) -> Iterator[Story]:
    """Tell what went out, oldest first; one message through several channels is one line."""
    sent: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        name, channel = printable(row["recipient_name"]), _CHANNELS.get(row["channel"]) or str(row["channel"])
        if row["state"] == "failed":
            error = printable(row["error"] or "no reason given")
            yield Story(row["at"], Step.SENT, name, f"{channel} failed: {error}", grave=True)
        else:
            sent.setdefault((name, printable(row["short_text"])), []).append(row)
    for (name, text), group in sent.items():
        channels = ", ".join(_CHANNELS.get(row["channel"]) or str(row["channel"]) for row in group)
        yield Story(group[-1]["at"], Step.SENT, name, f"{channels}: {text}")
