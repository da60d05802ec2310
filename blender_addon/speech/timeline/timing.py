"""Frames and seconds, and the stretch of frames over which a head is animated. No Blender."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dgtalker_engine.performance import FADE

SETTLE = 0.5
"""Seconds animated before the first sound and after the last one, in which the face comes to rest."""


@dataclass(frozen=True)
class Clock:
    """A scene's frame rate: the only place where frames, `fps` and `fps_base` become seconds, and back."""

    fps: int
    fps_base: float

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.fps / self.fps_base

    def seconds(self, frames: float) -> float:
        return frames * self.fps_base / self.fps

    def frames(self, seconds: float) -> float:
        return seconds * self.fps / self.fps_base

    def samples(self, frames: float, sample_rate: int) -> int:
        """Whole sound samples within `frames`: a hair more would make a further frame of animation."""
        return math.floor(self.seconds(frames) * sample_rate + 1e-6)


@dataclass(frozen=True)
class Span:
    """Frames from `start` up to, not including, `end`."""

    start: float
    end: float

    @property
    def empty(self) -> bool:
        return self.end <= self.start

    def clipped(self, other: Span) -> Span:
        """What lies in both."""
        return Span(max(self.start, other.start), min(self.end, other.end))


EVER = Span(0.0, math.inf)
"""Playback and renders start at frame 0: what lies before it is never heard."""


def in_frames(text: str, clock: Clock, first: int) -> str:
    """A sentence of the engine with its times, such as 1:02.5 from the start of frame `first`, as timeline frames."""
    return re.sub(
        r"\b(\d+):(\d\d\.\d)\b",
        lambda time: f"frame {round(first + clock.frames(60 * int(time[1]) + float(time[2])))}",
        text,
    )


def reaches(spans: Sequence[Span], clock: Clock) -> list[Span]:
    """How far the settings of each sound reach: beyond its ends until the face has come to rest, or half way to the
    next sound."""
    most = clock.frames(SETTLE + FADE)
    reached = []
    for span in spans:
        others = [other for other in spans if other is not span]
        before = span.start - max((other.end for other in others if other.start < span.start), default=-math.inf)
        after = min((other.start for other in others if other.end > span.end), default=math.inf) - span.end
        early, late = (min(most, max(0.0, gap) / 2) for gap in (before, after))
        reached.append(Span(span.start - early, span.end + late))
    return reached


def whole_take(sounds: Iterable[Span], clock: Clock) -> tuple[int, int]:
    """The whole frames `(first, last)` of a take, last included: all that is audible, and SETTLE around it.

    Args:
        sounds: at least one span that is not empty.
    """
    spans = list(sounds)
    settle = math.ceil(clock.frames(SETTLE))
    first = math.floor(min(span.start for span in spans)) - settle
    return max(0, first), math.ceil(max(span.end for span in spans)) + settle
