"""Who has the floor: which phrases of others somebody listens to, and as whose turns.

Two speak at once for a moment at most turns of a conversation; who began keeps the floor, as listeners take it (Sacks,
Schegloff and Jefferson, "A simplest systematics for the organization of turn-taking for conversation", 1974).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .take import Take

_TOGETHER = 0.3
"""Seconds within which two begin together: the louder one is listened to."""
_SHORTEST = 0.3
"""Seconds of a phrase that are noticed."""
_BEFORE, _AFTER = 0.15, 0.1
"""Seconds around somebody's own words in which others are not listened to."""
_ONE_TURN = 2.5
"""Seconds of silence within one turn at most."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Phrase:
    """What somebody says between two pauses for breath.

    Attributes:
        voice: whose it is, a number.
        start, end: seconds.
        seed: what is drawn for it: the same wherever its line lies.
        level: how loud it is, in any unit.
        syllables: as a take's, seconds (n, 3).
        styles: how it is spoken: weights of `styles.STYLES`, 0–1.
    """

    voice: int
    start: float
    end: float
    seed: tuple[int, ...]
    level: float = 1.0
    syllables: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    styles: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Phrases of one voice, between which nobody else is listened to.

    Attributes:
        voice, seed: of its first phrase.
        start, end: seconds.
    """

    voice: int
    start: float
    end: float
    seed: tuple[int, ...]


def phrases_of(take: Take, voice: int, later: float, styles: Mapping[str, np.ndarray]) -> list[Phrase]:
    """The phrases of a take that begins `later`, seconds.

    Args:
        styles: weights over the take's frames by name, float32 (frames,).
    """
    found: list[Phrase] = []
    for number, (start, end) in enumerate(take.utterances.tolist()):
        line = next((each for each in take.lines if each.start <= (start + end) / 2 < each.end), None)
        # By when it is said in its line, which trims and moves leave as it is.
        seed = (take.seed, number) if line is None else (line.seed, max(0, round(20 * (start - line.origin))))
        inside = (take.syllables[:, 0] >= start) & (take.syllables[:, 0] < end)
        row = min(max(round((start + end) / 2 * take.fps), 0), max(take.frames - 1, 0))
        how = {name: float(curve[row]) for name, curve in styles.items() if curve[row] > 0.0}
        found.append(
            Phrase(
                voice=voice,
                start=start + later,
                end=end + later,
                seed=seed,
                syllables=take.syllables[inside] + [later, 0.0, 0.0],
                styles=how,
            )
        )
    return found


def attended(phrases: Iterable[Phrase], own: np.ndarray) -> list[Phrase]:
    """What somebody listens to of all that others say, by when it starts and one at a time.

    Of several voices the one that began is heard until its phrase ends, of those that begin together the loudest.

    Args:
        phrases: of others.
        own: when the listener speaks, seconds (n, 2).
    """
    heard: list[Phrase] = []
    for phrase in sorted(phrases, key=lambda each: (each.start, each.voice)):
        last = heard[-1] if heard else None
        if last is not None and last.voice != phrase.voice and phrase.start < last.end:
            if phrase.start - last.start < _TOGETHER and phrase.level > last.level:
                heard.pop()
            else:
                phrase = replace(phrase, start=last.end)
        if phrase.end - phrase.start >= _SHORTEST:
            heard.append(phrase)
    return [part for phrase in heard for part in _without(phrase, own)]


def _without(phrase: Phrase, own: np.ndarray) -> list[Phrase]:
    """The parts of a phrase in which the listener says nothing."""
    parts = [phrase]
    for start, end in own.tolist():
        low, high = start - _BEFORE, end + _AFTER
        cut: list[Phrase] = []
        for each in parts:
            if low >= each.end or high <= each.start:
                cut.append(each)
                continue
            cut += [replace(each, end=low), replace(each, start=high)]
        parts = [each for each in cut if each.end - each.start >= _SHORTEST]
    return parts


def turns(heard: Sequence[Phrase], own: np.ndarray) -> list[Turn]:
    """Phrases that are listened to, as turns.

    Args:
        heard: `attended`.
        own: when the listener speaks, seconds (n, 2).
    """
    found: list[Turn] = []
    for phrase in heard:
        last = found[-1] if found else None
        silent = last is None or not np.any((own[:, 0] < phrase.start) & (own[:, 1] > last.end))
        if last is not None and last.voice == phrase.voice and silent and phrase.start - last.end < _ONE_TURN:
            found[-1] = replace(last, end=phrase.end)
        else:
            found.append(Turn(voice=phrase.voice, start=phrase.start, end=phrase.end, seed=phrase.seed))
    return found
