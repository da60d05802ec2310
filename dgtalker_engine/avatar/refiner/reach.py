"""How far a refiner's word counts: all of it where it was trained, and nothing far from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .portrait import Sight, Window

ANGLES = (4.0, 14.0)
"""Degrees from the nearest direction of view that it was trained with: where it begins to fade, where it is gone."""
BEYOND = (0.1, 0.4)
"""The same, of a slider beyond what the clip showed of it."""
DISTANCES = (2.0, 4.0)
"""The same the other way round, radii from the eye to the head's middle: close by, perspective changes faces."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a refiner was trained with.

    Attributes:
        directions: float32 (M, 3), unit vectors from the head to the eye.
        ranges: by control the least and the greatest weight.
    """

    directions: np.ndarray
    ranges: Mapping[str, tuple[float, float]]

    def at(self, weights: Mapping[str, float], sight: Sight, window: Window) -> float:
        """How much of a correction counts, 0 to 1.

        Args:
            weights: of the avatar's controls; those that `ranges` has not do not matter.
            sight: from where it is seen.
            window: of the refiner.
        """
        nearest = float(np.clip(self.directions @ sight.direction(window), -1, 1).max(initial=-1))
        beyond = max(
            (max(weights[name] - most, least - weights[name]) for name, (least, most) in self.ranges.items()
             if name in weights),
            default=0.0,
        )  # fmt: skip
        return (
            _falling(float(np.degrees(np.arccos(nearest))), *ANGLES)
            * _falling(beyond, *BEYOND)
            * (1 - _falling(sight.distance(window), *DISTANCES))
        )


def _falling(value: float, whole: float, gone: float) -> float:
    """1 up to `whole`, 0 from `gone` on, smoothly between."""
    t = min(max((gone - value) / (gone - whole), 0.0), 1.0)
    return t * t * (3 - 2 * t)
