"""Passages: the settings of one sound strip, and how they act over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import DGTalkerError

Amount = Literal["lips", "expression", "head", "blinks"]

FADE = 0.2
"""Seconds over which an amount changes, centred on the passage's ends, so that passages that touch fade across."""


@dataclass(frozen=True)
class Passage:
    """What the user set for one stretch of the sound.

    Attributes:
        start: seconds.
        end: seconds, later than `start`.
        lips: scale of jaw, mouth and tongue; 1 is natural, 0 still.
        expression: scale of brows and gaze.
        head: scale of the head's motion.
        blinks: blinks per natural blink: 0 none, 2 twice as many. Lids always close fully.
        transcript: the words spoken, or nothing.
    """

    start: float
    end: float
    lips: float = 1.0
    expression: float = 1.0
    head: float = 1.0
    blinks: float = 1.0
    transcript: str = ""

    def __post_init__(self) -> None:
        numbers = (self.start, self.end, self.lips, self.expression, self.head, self.blinks)
        if not np.all(np.isfinite(numbers)):
            raise DGTalkerError("A passage holds a value that is not a finite number.")
        if self.end <= self.start:
            raise DGTalkerError(f"A passage ends at {self.end:g} s, before it starts at {self.start:g} s.")
        if min(self.lips, self.expression, self.head, self.blinks) < 0:
            raise DGTalkerError(f"The passage at {self.start:g} s has a negative amount.", "Amounts start at 0.")


def ease(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and a curve with level ends between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def amount(passages: Sequence[Passage], which: Amount, times: np.ndarray) -> np.ndarray:
    """An amount over time: the passages' own inside them, 1 elsewhere, the mean where passages overlap.

    Args:
        times: seconds (n,).

    Returns:
        float64 (n,).
    """
    presence = np.zeros(len(times))
    change = np.zeros(len(times))
    for passage in passages:
        inside = ease((times - passage.start) / FADE + 0.5) - ease((times - passage.end) / FADE + 0.5)
        presence += inside
        change += inside * (getattr(passage, which) - 1.0)
    return 1.0 + change / np.maximum(presence, 1.0)
