"""Whisper's tokens: what they write, and which of them are spoken English."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

END, START, NO_TIMES = 50256, 50257, 50362
"""A text's end; its start; the wish for no times."""

BLANK = 220
_MARKS = frozenset(" '’.,?!-")


def text(tokens: Sequence[str]) -> str:
    """What tokens write, as the file has them: in letters that stand for bytes of UTF-8, as GPT-2's."""
    return bytes(_bytes_of_letters()[letter] for token in tokens for letter in token).decode("utf-8", "replace")


def is_spoken(token: str) -> bool:
    """Whether a token is written as it is spoken: letters and the marks of sentences, no digits, signs and notes."""
    if token.startswith("<|"):
        return False
    return all(letter.isalpha() or letter in _MARKS for letter in text([token]))


@cache
def _bytes_of_letters() -> dict[str, int]:
    """Bytes that are printed stand for themselves, the others are 256 and more, one after the other."""
    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(256 + i): byte for i, byte in enumerate(others)}
