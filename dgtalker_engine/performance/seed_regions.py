"""Which direction's seed draws what happens when, and what is said there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .direction import Direction, DirectionBlend
from .take import Take

_BEFORE, _AFTER = 8.0, 1.0
"""Seconds around a stretch: what is drawn has come into its rhythm when the stretch begins."""


@dataclass(frozen=True)
class SpeechEvents:
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
class SeedRegion:
    """What one seed draws.

    Attributes:
        seed: of the direction, 0 where there is none.
        speech: what the movements follow.
        frames: that it reaches.
        influence: on each of these frames, float32 0–1.
    """

    seed: int
    speech: SpeechEvents
    frames: slice
    influence: np.ndarray


class SeedRegions:
    """A take divided between the directions with a seed of their own and the rest.

    Work grows with the length of the take, not with the number of seeds times that.
    """

    def __init__(self, take: Take, blend: DirectionBlend) -> None:
        self._take = take
        self._own = [segment for segment in blend.segments if segment.direction.seed]
        ends = {end for segment in self._own for end in (segment.direction.start, segment.direction.end)}
        self._edges = np.array(sorted(ends))
        self._owner = np.zeros(len(ends) + 1, np.int64)
        for number, segment in enumerate(self._own, 1):
            first, last = np.searchsorted(self._edges, [segment.direction.start, segment.direction.end])
            self._owner[first + 1 : last + 1] = number

    def __iter__(self) -> Iterator[SeedRegion]:
        """The rest first, then each direction with a seed, in the order of `owner`'s numbers."""
        rest = np.ones(self._take.frames, np.float32)
        for segment in self._own:
            rest[segment.frames] -= segment.influence
        whole = SpeechEvents(0.0, self._take.duration, self._take.utterances, self._take.syllables)
        yield SeedRegion(0, whole, slice(0, self._take.frames), rest)
        for segment in self._own:
            yield SeedRegion(segment.direction.seed, self._around(segment.direction), segment.frames, segment.influence)

    def owner(self, times: np.ndarray) -> np.ndarray:
        """The number of the region that each time belongs to; of the last one where directions overlap."""
        return self._owner[np.searchsorted(self._edges, times, side="right")]

    def _around(self, direction: Direction) -> SpeechEvents:
        take = self._take
        # Within the take, so that an endless direction draws no more than one as long as the take.
        start = max(direction.start, 0.0) - _BEFORE
        end = min(direction.end, take.duration) + _AFTER
        utterances = take.utterances[(take.utterances[:, 1] > start) & (take.utterances[:, 0] < end)]
        syllables = take.syllables[(take.syllables[:, 0] > start) & (take.syllables[:, 0] < end)]
        return SpeechEvents(start, max(end - start, 0.0), utterances - start, syllables - [start, 0.0, 0.0])
