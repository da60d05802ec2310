"""Which direction's seed draws what happens when, and what is said there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .direction import Direction, DirectionBlend
from .take import Line, Take

_BEFORE, _AFTER = 8.0, 1.0
"""Seconds around a stretch: what is drawn has come into its rhythm when the stretch begins."""

_NEAR = 0.01
"""Seconds between the ends of a line and those of its direction, at most."""


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
        seeds: of the line, or of the take where there is none, and of the direction, 0 where there is none.
        speech: what the movements follow.
        since: seconds from where `speech` begins to the first of `frames`.
        frames: that it reaches.
        influence: on each of these frames, float32 0–1.
    """

    seeds: tuple[int, int]
    speech: SpeechEvents
    since: float
    frames: slice
    influence: np.ndarray


class SeedRegions:
    """A take divided between its lines, the directions with a seed of their own, and the rest.

    Work grows with the length of the take, not with the number of seeds times that.
    """

    def __init__(self, take: Take, blend: DirectionBlend) -> None:
        self._take = take
        own = [segment.direction for segment in blend.segments if segment.direction.seed]
        lines = [(line, _of_line(line, own)) for line in take.lines]
        alone = [direction for direction in own if all(direction is not of for _, of in lines)]
        free = [(line, of) for line, of in lines if not any(_middle_in(line, direction) for direction in alone)]
        self._lines = len(free)
        self._seeds = [(line.seed, of.seed if of else 0) for line, of in free]
        self._seeds += [(take.seed, direction.seed) for direction in alone]
        self._speech = [SpeechEvents(line.origin, line.duration, line.utterances, line.syllables) for line, _ in free]
        self._speech += [self._around(direction) for direction in alone]
        spans = [Direction(line.start, line.end, seed=1) for line, _ in free] + alone
        self._segments = DirectionBlend(spans, take.frames, take.fps).segments
        self._number = {id(span): number for number, span in enumerate(spans, 1)}
        ends = {end for span in spans for end in (span.start, span.end)}
        self._edges = np.array(sorted(ends))
        self._owner = np.zeros(len(ends) + 1, np.int64)
        for number, span in enumerate(spans, 1):
            first, last = np.searchsorted(self._edges, [span.start, span.end])
            self._owner[first + 1 : last + 1] = number

    def __iter__(self) -> Iterator[tuple[int, SeedRegion]]:
        """The number by which `owned` knows each, and the region: the rest first."""
        take = self._take
        rest = np.ones(take.frames, np.float32)
        for segment in self._segments:
            rest[segment.frames] -= segment.influence
        whole = SpeechEvents(0.0, take.duration, take.utterances, take.syllables)
        yield 0, SeedRegion((take.seed, 0), whole, 0.0, slice(0, take.frames), rest)
        for segment in self._segments:
            number = self._number[id(segment.direction)]
            speech = self._speech[number - 1]
            # A direction without a line sways from its own first frame on, wherever its speech begins.
            of_line = number <= self._lines
            since = segment.frames.start / take.fps - speech.start if of_line else 0.0
            yield number, SeedRegion(self._seeds[number - 1], speech, since, segment.frames, segment.influence)

    def owned(self, number: int, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Which events belong to a region, bool (n,): those that begin in it, and that do not reach into a line."""
        mine = self._owner_at(starts) == number
        if self._lines:
            until = self._owner_at(ends)
            mine &= (until == number) | (until == 0) | (until > self._lines)
        return mine

    def _owner_at(self, times: np.ndarray) -> np.ndarray:
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


def _of_line(line: Line, directions: Sequence[Direction]) -> Direction | None:
    """The direction of a line alone."""
    same = (each for each in directions if max(abs(each.start - line.start), abs(each.end - line.end)) < _NEAR)
    return next(same, None)


def _middle_in(line: Line, direction: Direction) -> bool:
    return direction.start <= (line.start + line.end) / 2 < direction.end
