"""Which direction's seed draws what happens when, and what is said there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .direction import Direction, DirectionBlend, Segment
from .take import Line, Take

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


@dataclass(frozen=True)
class _Drawn:
    """Seeds, what their movements follow, and the number of the line that they are of; 0 for none."""

    seeds: tuple[int, int]
    speech: SpeechEvents
    line: int


class SeedRegions:
    """A take divided between its lines, the directions with a seed of their own, and the rest.

    Work grows with the length of the take, not with the number of seeds times that.
    """

    def __init__(self, take: Take, blend: DirectionBlend) -> None:
        self._take = take
        lines = [Direction(line.start, line.end) for line in take.lines]
        own = self._whole([segment.direction for segment in blend.segments if segment.direction.seed])
        every = [_Drawn((line.seed, 0), _of(line), i) for i, line in enumerate(take.lines, 1)]
        every += [self._drawn(direction) for direction in own]
        self._line = np.array([0, *(each.line for each in every)])
        asked = np.zeros(take.frames, np.float32)
        segments: list[tuple[int, Segment]] = []
        for spans, first in ((own, 1 + len(lines)), (lines, 1)):
            number = {id(span): first + i for i, span in enumerate(spans)}
            found = DirectionBlend(spans, take.frames, take.fps).segments
            if spans is lines:  # a direction's seed counts before its line's
                found = [replace(each, influence=each.influence * (1.0 - asked[each.frames])) for each in found]
            for each in found:
                asked[each.frames] += each.influence
                segments.append((number[id(each.direction)], each))
        self._rest = 1.0 - asked
        self._regions: list[tuple[int, SeedRegion]] = []
        for number, segment in sorted(segments, key=lambda each: each[0]):
            drawn = every[number - 1]
            # Without a line it sways from its own first frame on, wherever its speech begins.
            since = segment.frames.start / take.fps - drawn.speech.start if drawn.line else 0.0
            region = SeedRegion(drawn.seeds, drawn.speech, since, segment.frames, segment.influence)
            self._regions.append((number, region))
        spans = [*lines, *own]
        ends = {end for span in spans for end in (span.start, span.end)}
        self._edges = np.array(sorted(ends))
        self._owner = np.zeros(len(ends) + 1, np.int64)
        for number, span in enumerate(spans, 1):
            first, last = np.searchsorted(self._edges, [span.start, span.end])
            self._owner[first + 1 : last + 1] = number

    def __iter__(self) -> Iterator[tuple[int, SeedRegion]]:
        """The number by which `owned` knows each, and the region: the rest first."""
        take = self._take
        whole = SpeechEvents(0.0, take.duration, take.utterances, take.syllables)
        yield 0, SeedRegion((take.seed, 0), whole, 0.0, slice(0, take.frames), self._rest)
        yield from self._regions

    def owned(self, number: int, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Which events belong to a region, bool (n,): those that begin in it, and that do not reach into a line."""
        until = self._line[self._owner_at(ends)]
        return (self._owner_at(starts) == number) & ((until == 0) | (until == self._line[number]))

    def _owner_at(self, times: np.ndarray) -> np.ndarray:
        """The number of the region that each time belongs to; of the last one where directions overlap."""
        return self._owner[np.searchsorted(self._edges, times, side="right")]

    def _whole(self, directions: list[Direction]) -> list[Direction]:
        """Directions, those of one seed that divide a line among them as one: a blink goes on from each to the next."""
        joined: list[Direction] = []
        for each in directions:
            last = joined[-1] if joined else None
            if (
                last is not None
                and (last.seed, last.end, self._line_of(last)) == (each.seed, each.start, self._line_of(each))
                and self._line_of(each)
            ):
                joined[-1] = replace(last, end=each.end)
            else:
                joined.append(each)
        return joined

    def _line_of(self, direction: Direction) -> int:
        """The number of the line that a direction is of; 0 for none."""
        middle = (direction.start + direction.end) / 2
        return next((i for i, line in enumerate(self._take.lines, 1) if line.start <= middle < line.end), 0)

    def _drawn(self, direction: Direction) -> _Drawn:
        """How a direction with a seed draws; parts of one line draw alike."""
        number = self._line_of(direction)
        if number:
            line = self._take.lines[number - 1]
            return _Drawn((line.seed, direction.seed), _of(line), number)
        return _Drawn((self._take.seed, direction.seed), self._around(direction), 0)

    def _around(self, direction: Direction) -> SpeechEvents:
        take = self._take
        # Within the take, so that an endless direction draws no more than one as long as the take.
        start = max(direction.start, 0.0) - _BEFORE
        end = min(direction.end, take.duration) + _AFTER
        utterances = take.utterances[(take.utterances[:, 1] > start) & (take.utterances[:, 0] < end)]
        syllables = take.syllables[(take.syllables[:, 0] > start) & (take.syllables[:, 0] < end)]
        return SpeechEvents(start, max(end - start, 0.0), utterances - start, syllables - [start, 0.0, 0.0])


def _of(line: Line) -> SpeechEvents:
    return SpeechEvents(line.origin, line.duration, line.utterances, line.syllables)
