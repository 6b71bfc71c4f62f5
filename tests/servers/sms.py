"""Reading the SMS that arrived at Kannel's fake SMSC, from what its client prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message as it arrived at the far end: who sent it, to which number, and the whole text."""

    sender: str
    number: str
    text: str


_LINE = re.compile(r"Got message \d+: <(.*)>$")
_START = re.compile(r"(\S+) (\S+) (?:(text|ucs-2|data) |udh (\S+) (?:data|text) )(.*)$")


def parse_fakesmsc(output: str) -> list[Sms]:
    """Return the messages in the output of ``fakesmsc``, in order of arrival; parts of a long one are put together.

    A long message that is not complete yet is left out.
    """
    found: list[Sms | None] = []
    long: dict[tuple[str, str, int], tuple[int, dict[int, bytes]]] = {}
    for line in output.splitlines():
        got = _LINE.search(line)
        if not got:
            continue
        start = _START.match(got[1])
        if not start:  # a plain text with line breaks comes as several lines
            if found and (last := found[-1]) is not None:
                found[-1] = Sms(last.sender, last.number, f"{last.text}\n{got[1]}")
            continue
        sender, number, coding, header, body = start.groups()
        if header is None:
            found.append(Sms(sender, number, _decode(coding, body)))
            continue
        reference, total, part = _concatenation(_octets(header))
        key = (sender, number, reference)
        place, parts = long.setdefault(key, (len(found), {}))
        if not parts:
            found.append(None)
        parts[part] = _octets(body)
        if len(parts) == total:
            whole = b"".join(parts[index] for index in sorted(parts))
            found[place] = Sms(sender, number, _guess(whole))
            del long[key]
    return [sms for sms in found if sms is not None]


def _octets(encoded: str) -> bytes:
    return unquote_to_bytes(encoded.replace("+", " "))


def _decode(coding: str, body: str) -> str:
    if coding == "ucs-2":
        return _octets(body).decode("utf-16-be")
    return body if coding == "text" else _octets(body).decode(errors="replace")


def _concatenation(header: bytes) -> tuple[int, int, int]:
    """Return reference, number of parts and number of this part from a user data header (3GPP TS 23.040)."""
    at = 1
    while at < len(header):
        kind, length = header[at], header[at + 1]
        if kind == 0:
            return header[at + 2], header[at + 3], header[at + 4]
        at += 2 + length
    return 0, 1, 1


def _guess(whole: bytes) -> str:
    """Decode a long message: fakesmsc does not say which coding it has, but European text in UCS-2 is full of zeros."""
    if b"\0" in whole:
        return whole.decode("utf-16-be", errors="replace")
    try:
        return whole.decode()
    except UnicodeDecodeError:
        return whole.decode("utf-16-be", errors="replace")
