"""Which direction's seed draws what happens when, and what is said there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .direction import Direction, Parts
from .take import Take

_BEFORE, _AFTER = 8.0, 1.0
"""Seconds around a stretch: what is drawn has come into its rhythm when the stretch begins."""


@dataclass(frozen=True)
class Excerpt:
    """What is said in a part of a take; times are seconds from its start.

    Attributes:
        start: in the take, seconds.
        duration: seconds.
        utterances, syllables: as in a `Take`.
    """

    start: float
    duration: float
    utterances: np.ndarray
    syllables: np.ndarray


@dataclass(frozen=True)
class Scope:
    """What one seed draws.

    Attributes:
        seed: of the direction, 0 where there is none.
        said: what the movements follow.
        frames: that it has a share of.
        share: of each of these frames, float32.
    """

    seed: int
    said: Excerpt
    frames: slice
    share: np.ndarray


class Scopes:
    """A take divided between the directions with a seed of their own and the rest.

    Work grows with the length of the take, not with the number of seeds times that.
    """

    def __init__(self, take: Take, parts: Parts) -> None:
        self._take = take
        self._own = [part for part in parts.parts if part.direction.seed]
        ends = {end for part in self._own for end in (part.direction.start, part.direction.end)}
        self._edges = np.array(sorted(ends))
        self._owner = np.zeros(len(ends) + 1, np.int64)
        for number, part in enumerate(self._own, 1):
            first, last = np.searchsorted(self._edges, [part.direction.start, part.direction.end])
            self._owner[first + 1 : last + 1] = number

    def __iter__(self) -> Iterator[Scope]:
        """The rest first, then each direction with a seed, in the order of `owner`'s numbers."""
        rest = np.ones(self._take.frames, np.float32)
        for part in self._own:
            rest[part.frames] -= part.share
        everything = Excerpt(0.0, self._take.duration, self._take.utterances, self._take.syllables)
        yield Scope(0, everything, slice(0, self._take.frames), rest)
        for part in self._own:
            yield Scope(part.direction.seed, self._around(part.direction), part.frames, part.share)

    def owner(self, times: np.ndarray) -> np.ndarray:
        """The number of the scope that each time belongs to; of the last one where directions overlap."""
        return self._owner[np.searchsorted(self._edges, times, side="right")]

    def _around(self, direction: Direction) -> Excerpt:
        take = self._take
        # Within the take, so that an endless direction draws no more than one as long as the take.
        start = max(direction.start, 0.0) - _BEFORE
        end = min(direction.end, take.duration) + _AFTER
        utterances = take.utterances[(take.utterances[:, 1] > start) & (take.utterances[:, 0] < end)]
        syllables = take.syllables[(take.syllables[:, 0] > start) & (take.syllables[:, 0] < end)]
        return Excerpt(start, max(end - start, 0.0), utterances - start, syllables - [start, 0.0, 0.0])
