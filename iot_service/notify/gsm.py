"""The alphabet of SMS (3GPP TS 23.038, default alphabet), and how many parts a text takes."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")  # each takes an escape before it
_PLAIN = str.maketrans({
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2010": "-", "\u2011": "-", "–": "-", "—": "-", "−": "-", "«": '"',
    "»": '"', "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "…": "...",
    "°": "", "²": "2", "³": "3", "μ": "u", "µ": "u",  # of units: a message in the other alphabet would cost double
})  # fmt: skip


def plain(text: str) -> str:
    """Return ``text`` with typographic signs replaced by their like in the alphabet; letters stay as they are."""
    return text.translate(_PLAIN)


def is_gsm(text: str) -> bool:
    """Return whether every character of ``text`` is in the alphabet."""
    return all(character in _BASIC or character in _EXTENDED for character in text)


def parts(text: str) -> int:
    """Return how many SMS ``text`` takes: one of 160 characters or several of 153 (70 and 67 outside the alphabet)."""
    if is_gsm(text):
        length, alone, joined = sum(2 if character in _EXTENDED else 1 for character in text), 160, 153
    else:
        length, alone, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)
