"""What our timeline markers are called. No Blender."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from dgtalker_engine.performance import Phone

from .timing import Clock

Kind = Literal["OPEN_LIPS", "PHONES", "VISEMES"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_LIKE = {
    "sil": "SIL",
    "PP": "P B M",
    "FF": "F V",
    "TH": "TH DH",
    "DD": "T D",
    "kk": "K G NG",
    "CH": "CH JH SH ZH",
    "SS": "S Z",
    "nn": "N L",
    "RR": "R ER",
    "aa": "AA AE AH AY AW HH",
    "E": "EH EY",
    "ih": "IH IY Y",
    "oh": "AO OW OY",
    "ou": "UH UW W",
}
VISEMES = {phone: viseme for viseme, phones in _LIKE.items() for phone in phones.split()}
"""The viseme of each phone, of the fifteen that Oculus names."""


def timecode(frame: int, clock: Clock) -> str:
    """Minutes, seconds and frames, after hours where there are any: ``00:01:12``."""
    per_second = max(1, round(clock.rate))
    seconds, rest = divmod(max(0, frame), per_second)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ([hours] if hours else []) + [minutes, seconds, rest]
    return ":".join(f"{part:02d}" for part in parts)


def open_lips(phone: str, frame: int, clock: Clock) -> str:
    return f"{phone} {timecode(frame, clock)}"


def whose(name: str, head: str, heads: int) -> str:
    """A marker's name that says whose it is, where several heads speak."""
    return f"{head} {name}" if heads > 1 else name


def at_frames(named: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """One marker for all that falls on the same frame, by frame: names would lie on each other."""
    joined: dict[int, list[str]] = {}
    for frame, name in named:
        joined.setdefault(frame, []).append(name)
    return [(frame, " ".join(dict.fromkeys(names))) for frame, names in sorted(joined.items())]


def track(phones: Sequence[Phone], kind: Kind) -> list[tuple[float, str]]:
    """Seconds and names of the markers of a phone or viseme track; one marker for what stays the same."""
    found: list[tuple[float, str]] = []
    for phone in _without_gaps(phones):
        name = f"/{phone.name}/" if kind == "PHONES" else f"[{VISEMES.get(phone.name, 'sil')}]"
        if kind == "PHONES" or not found or found[-1][1] != name:
            found.append((phone.start, name))
    return found


def _without_gaps(phones: Iterable[Phone]) -> list[Phone]:
    """Phones with silence between and after them, where nothing is said."""
    whole: list[Phone] = []
    for phone in phones:
        end = whole[-1].end if whole else phone.start
        if phone.start - end > 0.02:
            whole.append(Phone("SIL", end, phone.start))
        whole.append(phone)
    return [*whole, Phone("SIL", whole[-1].end, whole[-1].end)] if whole and whole[-1].name != "SIL" else whole
