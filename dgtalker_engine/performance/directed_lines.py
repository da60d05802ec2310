"""Stage directions in a recording of the text: where they lie, and how a line's direction is divided there."""

from __future__ import annotations

import difflib
import itertools
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .direction import FADE, LIMITS, Direction
from .stage_directions import Manner, StageDirection, read, tokens
from .take import Word

LEAD = 0.3
"""Seconds before a word at which the face turns to how it is said, or half the silence before it where that is less."""

PAUSE = 0.2
"""Seconds of silence between words that are a pause."""

AROUND_REST = 0.2
"""Seconds after a word and before the next in which the mouth comes to rest and leaves it, so that no sound is cut."""

_LONGEST = 100
"""Words that are compared with each other at most."""

_MOST_NAMED = 5
"""Stage directions that a note names."""


@dataclass(frozen=True)
class Placed:
    """A stage direction in a recording; seconds.

    Attributes:
        direction: what is placed.
        start: from when on it counts.
        silence: the start and the end of what lies between the words around it; None where no words were found.
        after: the word before it; empty before the first one.
    """

    direction: StageDirection
    start: float
    silence: tuple[float, float] | None
    after: str


@lru_cache(maxsize=64)
def placed(text: str, words: tuple[Word, ...], start: float, end: float) -> tuple[Placed, ...]:
    """Where the stage directions of a text lie in a recording of it. What is heard decides where pauses are.

    Args:
        text: what is said from `start` to `end`, seconds, or more than that: what belongs to words that are not
            played is left out.
        words: that were found there; where there are none, words are taken to be spoken one as long as the other.
    """
    directions = read(text)
    said = tokens(text) if directions else []
    if not words:
        times = [start + (end - start) * each.word / max(len(said), 1) for each in directions]
        before = [said[each.word - 1] if each.word else "" for each in directions]
        return tuple(
            Placed(each, time, None, after) for each, time, after in zip(directions, times, before, strict=True)
        )
    at = matched(said, [word.name for word in words])
    edges = [start, *itertools.chain.from_iterable((word.start, word.end) for word in words), end]
    gaps = [(low, max(low, high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    pausing = {each.word for each in directions if each.pauses}
    found = []
    for each in directions:
        number = at[each.word]
        if number == len(words) and not (each.word == len(said) and said and at[-2] < len(words)):
            continue
        if each.word in pausing and _length(gaps[number]) < PAUSE:
            # A word that was heard on the other side of a pause: the silence is sure, the word is not.
            near = range(max(number - 1, 1), min(number + 2, len(words)))
            number = max(near, key=lambda gap: _length(gaps[gap]), default=number)
        low, high = gaps[number]
        middle = (low + high) / 2
        turn = start if number == 0 else middle if number == len(words) else max(middle, high - LEAD)
        found.append(Placed(each, turn, (low, high), words[number - 1].name if number else ""))
    return tuple(found)


def moved(each: Placed, later: float) -> Placed:
    """A stage direction in a recording that begins so much later."""
    silence = (each.silence[0] + later, each.silence[1] + later) if each.silence else None
    return replace(each, start=each.start + later, silence=silence)


def _length(gap: tuple[float, float]) -> float:
    return gap[1] - gap[0]


def matched(said: Sequence[str], heard: Sequence[str]) -> list[int]:
    """The number of the word that was heard for each that is said, and how many were heard.

    Long texts are cut where three words stand once in both, or into equal parts: time grows with their length.
    """
    at = [len(heard)] * (len(said) + 1) if said else [0]
    for (first, from_), (last, to) in itertools.pairwise(_cuts(said, heard)):
        matcher = difflib.SequenceMatcher(None, said[first:last], heard[from_:to], autojunk=False)
        for _, i0, i1, j0, j1 in matcher.get_opcodes():
            for i in range(i0, i1):
                at[first + i] = from_ + j0 + round((i - i0) * (j1 - j0) / (i1 - i0))
    return at


def _cuts(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Rising places (in `said`, in `heard`) between which at most `_LONGEST` words are compared."""
    ends = (len(said), len(heard))
    if max(ends) <= _LONGEST:
        return [(0, 0), ends]
    places = [_once(said), _once(heard)]
    anchors = [(0, 0)]
    for three, i in places[0].items():
        j = places[1].get(three, -1)
        # One that stands elsewhere in the other text leads no further than the others do.
        if i > anchors[-1][0] and anchors[-1][1] < j <= anchors[-1][1] + 2 * (i - anchors[-1][0]) + _LONGEST:
            anchors.append((i, j))
    cuts = [(0, 0)]
    for (i0, j0), (i1, j1) in itertools.pairwise([*anchors, ends]):
        parts = -(-max(i1 - i0, j1 - j0) // _LONGEST)
        cuts += [(i0 + (i1 - i0) * part // parts, j0 + (j1 - j0) * part // parts) for part in range(1, parts + 1)]
    return cuts


def _once(words: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Where three words in a row stand that do so once only."""
    rows = list(zip(words, words[1:], words[2:], strict=False))
    counts = Counter(rows)
    return {row: i for i, row in enumerate(rows) if counts[row] == 1}


def directed(line: Direction, found: Sequence[Placed]) -> list[Direction]:
    """A line's direction, divided where stage directions in it ask for something else.

    Each counts up to the next one that says how something is said, or to the line's end. In pauses the mouth rests.
    """
    parts = [line]
    for each in found:
        if each.direction.manner is None:
            continue
        # What stands before the first word also holds while the face comes out of its rest.
        start = min(max(each.start, line.start), line.end) if each.after else line.start
        asked = _in_manner(line, each.direction.manner)
        if start - parts[-1].start > 1e-3:
            last = parts.pop()
            parts.append(replace(last, end=start))
        else:
            start = parts.pop().start
        if line.end - start > 1e-3:
            parts.append(replace(asked, start=start))
        elif parts:
            parts[-1] = replace(parts[-1], end=line.end)
        else:
            parts.append(asked)
    edges = _rests(found)
    return [piece for part in parts for piece in _resting(part, edges)] if edges else parts


def _rests(found: Sequence[Placed]) -> list[float]:
    """When the mouth comes to rest, when it leaves it, and so on."""
    edges: list[float] = []
    for silence in sorted({each.silence for each in found if each.silence and each.direction.pauses}):
        low, high = silence[0] + AROUND_REST, silence[1] - AROUND_REST
        if high - low > FADE / 4 and (not edges or low > edges[-1]):
            edges += [low, high]
    return edges


def _in_manner(line: Direction, manner: Manner) -> Direction:
    least, most = LIMITS["articulation"]
    return replace(
        line,
        **{name: getattr(line, name) * getattr(manner, name) for name in ("lips", "jaw", "expression", "head")},
        articulation=min(max(line.articulation + manner.articulation, least), most),
        styles=line.styles if manner.styles is None else manner.styles,
    )


def _resting(part: Direction, rests: Sequence[float]) -> Iterator[Direction]:
    """A direction whose mouth is still in rests, see `_rests`."""
    begun = bisect_right(rests, part.start)
    edges = [part.start, *rests[begun : bisect_left(rests, part.end)], part.end]
    for number, (start, end) in enumerate(itertools.pairwise(edges), begun):
        yield replace(part, start=start, end=end, **({"lips": 0.0, "jaw": 0.0} if number % 2 else {}))


def notes(found: Sequence[Placed]) -> list[str]:
    """Sentences for the user: stage directions that mean nothing, and pauses that the recording has not."""
    said = []
    unknown = list(dict.fromkeys(each.direction.text for each in found if not each.direction.known))
    if unknown:
        named = ", ".join(unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        said.append(f"These stage directions mean nothing to a face, and are not spoken: {named}{more}.")
    for each in found:
        if each.silence is None:
            continue
        length = _length(each.silence)
        where = f' after "{each.after}"' if each.after else ""
        if each.direction.pauses and length < PAUSE:
            said.append(f"{each.direction.text}{where}: the recording does not pause there.")
        elif each.direction.seconds and abs(length - each.direction.seconds) > max(0.5, 0.5 * each.direction.seconds):
            said.append(f"{each.direction.text}{where}: the recording pauses for {length:.1f} s.")
    return said
