"""Text of a transcript to words, and words to phones by their letters."""

from __future__ import annotations

import re
import unicodedata

from ...performance import stage_directions

_ONES = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "  # noqa: SIM905 (words read better than strings)
    "eighteen nineteen".split()
)
_TENS = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())  # noqa: SIM905 (words read better than strings)
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_SHORT = {
    "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "st": "saint", "vs": "versus", "etc": "etcetera",
    "&": "and", "%": "percent", "+": "plus", "@": "at", "=": "equals",
}  # fmt: skip

_LETTERS = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "tch": "CH", "sch": "SH",
    "igh": "AY", "dge": "JH", "eau": "OW", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G", "wh": "W",
    "ck": "K", "ng": "NG", "qu": "K W", "kn": "N", "wr": "R", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW",
    "ow": "OW", "oa": "OW", "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ei": "AY",
    "ey": "IY", "ie": "IY", "ue": "UW", "ui": "UW", "eu": "Y UW", "ew": "Y UW", "ar": "AA R", "er": "ER", "ir": "ER",
    "ur": "ER", "or": "AO R", "ce": "S EH", "ci": "S IH", "cy": "S IY", "ge": "JH EH", "gi": "JH IH", "a": "AE",
    "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AO", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W",
    "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_LONGEST = max(map(len, _LETTERS))
_MAGIC_E = re.compile(r"([aiou])([bdfgklmnprstvz])e(s?)$")
_LONG = {"a": "EY", "i": "AY", "o": "OW", "u": "UW"}


def words(text: str) -> list[str]:
    """Words as they are spoken: lower case, numbers in words, without accents and stage directions in brackets."""
    text = re.sub(r"<[^>]*>", " ", stage_directions.spoken(text))
    text = text.lower().translate(str.maketrans({"’": "'", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l"}))
    # Umlauts are written out, so that the lips round; other accents go.
    text = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    spoken: list[str] = []
    for token in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|[&%+@=]", text):
        if token[0].isdigit():
            spoken += _number(token)
        else:
            spoken.append(_SHORT.get(token) or token)
    return spoken


def sounded_out(word: str) -> list[str]:
    """Phones of a word by English letter rules, good enough for the lips; empty when no letter is Latin."""
    word = word.replace("'", "")
    phones: list[str] = []
    magic = _MAGIC_E.search(word)
    i = 0
    while i < len(word):
        if magic and i == magic.start():
            phones += [_LONG[magic[1]], _LETTERS[magic[2]]] + (["S"] if magic[3] else [])
            break
        for size in range(_LONGEST, 0, -1):
            sound = _LETTERS.get(word[i : i + size])
            if sound:
                phones += sound.split()
                i += size
                break
        else:
            i += 1
    if word.endswith("o"):
        phones[-1] = "OW"
    return [phone for i, phone in enumerate(phones) if i == 0 or phone != phones[i - 1]]


def _number(token: str) -> list[str]:
    whole, _, decimals = token.replace(",", "").partition(".")
    if len(whole) > 12:
        return [_ONES[int(digit)] for digit in whole + decimals]
    value = int(whole)
    year = len(token) == 4 and 1100 <= value < 2000 and value % 100 >= 10
    spoken = [*_cardinal(value // 100), *_cardinal(value % 100)] if year else _cardinal(value)
    return spoken + (["point", *(_ONES[int(digit)] for digit in decimals)] if decimals else [])


def _cardinal(value: int) -> list[str]:
    for size, name in _SCALES:
        if value >= size:
            rest = value % size
            return [*_cardinal(value // size), name, *(_cardinal(rest) if rest else [])]
    if value < 20:
        return [_ONES[value]]
    return [_TENS[value // 10 - 2]] + ([_ONES[value % 10]] if value % 10 else [])
