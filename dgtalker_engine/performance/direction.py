"""Directions: what the animator asks of one stretch of time, and how settings fade from one stretch to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from ..errors import DGTalkerError

FADE = 0.2
"""Seconds over which a setting changes, centred on the stretch's ends, so that stretches that touch fade across."""

NEUTRAL = "neutral"

MOST = 1e7
"""Of amounts and seconds: what overflows later is as bad as infinity."""

MOST_SEED = 2**31 - 1

_AMOUNTS = ("lips", "jaw", "expression", "head", "blinks", "gaze")
LIMITS = {"articulation": (-1.0, 1.0), "smoothing": (0.0, 0.5), "hold": (0.0, 0.3), "offset": (-1.0, 1.0)}


@dataclass(frozen=True)
class Direction:
    """What the animator set for one stretch of time; everything at its default changes nothing.

    Attributes:
        start: seconds.
        end: seconds, later than `start`.
        lips: scale of the lips and the tongue; 1 is natural, 0 still.
        jaw: scale of the jaw. Lips that are brought together over an open jaw follow it.
        expression: scale of brows, lids and cheeks.
        head: scale of the head's motion.
        blinks: blinks per natural blink: 0 none, 2 twice as many, at most 4. Lids always close fully.
        gaze: looks aside per natural look: 0 none, 2 twice as many, at most 4.
        articulation: −1 mumbled, 0 as found, +1 over-articulated.
        smoothing: seconds over which the mouth's motion is averaged.
        hold: seconds for which each shape of the mouth is kept at its extreme; the way between shapes grows quicker.
        offset: seconds by which the mouth moves later than found; earlier where negative.
        seed: another number gives other blinks, looks, brows and head motion.
        styles: how much of each style of `styles.STYLES`, 0–1; where the sum is over 1, they are scaled to it.
            ``neutral`` counts in the sum and changes nothing.
    """

    start: float
    end: float
    _: KW_ONLY
    lips: float = 1.0
    jaw: float = 1.0
    expression: float = 1.0
    head: float = 1.0
    blinks: float = 1.0
    gaze: float = 1.0
    articulation: float = 0.0
    smoothing: float = 0.0
    hold: float = 0.0
    offset: float = 0.0
    seed: int = 0
    styles: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        numbers = [getattr(self, name) for name in ("start", "end", *_AMOUNTS, *LIMITS)]
        if not all(abs(number) <= MOST for number in (*numbers, *self.styles.values())):
            raise DGTalkerError("A direction holds a value that is not a finite number, or no sensible one.")
        if not isinstance(self.seed, int | np.integer) or self.seed > MOST_SEED:
            raise DGTalkerError(f"A direction's seed is a whole number from 0 to {MOST_SEED}.")
        if self.end <= self.start:
            raise DGTalkerError(f"A direction ends at {self.end:g} s, before it starts at {self.start:g} s.")
        if min(self.seed, *(getattr(self, name) for name in _AMOUNTS), *self.styles.values()) < 0:
            raise DGTalkerError(f"The direction at {self.start:g} s has a negative amount.", "Amounts start at 0.")
        for name, (least, most) in LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise DGTalkerError(
                    f"The direction at {self.start:g} s has an impossible {name}.", f"Give {least:g} to {most:g}."
                )


def ease(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and a curve with level ends between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


@dataclass(frozen=True)
class Segment:
    """One direction, the frames that it reaches, and its influence on each of them, float32 0–1."""

    direction: Direction
    frames: slice
    influence: np.ndarray


class DirectionBlend:
    """How directions blend over the frames of a take: the mean where they overlap, the defaults elsewhere."""

    def __init__(self, directions: Sequence[Direction], frames: int, fps: float) -> None:
        self.frames = frames
        total = np.zeros(frames, np.float32)
        reached: list[Segment] = []
        for direction in directions:
            first = max(int(np.floor((direction.start - FADE / 2) * fps)), 0)
            last = min(int(np.ceil((direction.end + FADE / 2) * fps)) + 1, frames)
            if first >= last:
                continue
            times = np.arange(first, last) / fps
            influence = ease((times - direction.start) / FADE + 0.5) - ease((times - direction.end) / FADE + 0.5)
            reached.append(Segment(direction, slice(first, last), influence.astype(np.float32)))
            total[first:last] += reached[-1].influence
        total = np.maximum(total, 1.0)
        self.segments = [Segment(each.direction, each.frames, each.influence / total[each.frames]) for each in reached]

    def curve(self, setting: str) -> np.ndarray:
        """A setting at each frame, float32 (frames,)."""
        default = getattr(_DEFAULTS, setting)
        curve = np.full(self.frames, default, np.float32)
        for segment in self.segments:
            value = getattr(segment.direction, setting)
            if value != default:
                curve[segment.frames] += segment.influence * np.float32(value - default)
        return curve

    def style(self, name: str) -> np.ndarray | None:
        """The weight of a style at each frame, float32 (frames,); None where no direction asks for it."""
        asked = [(each, each.direction.styles[name]) for each in self.segments if each.direction.styles.get(name)]
        if not asked:
            return None
        curve = np.zeros(self.frames, np.float32)
        for segment, weight in asked:
            curve[segment.frames] += segment.influence * np.float32(weight)
        return curve


_DEFAULTS = Direction(0.0, 1.0)
