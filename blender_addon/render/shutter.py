"""An open shutter as a list of moments: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LONGEST = 1000.0
"""Frames; Blender knows no limit."""
_BEGINS = {"START": 0.0, "CENTER": -0.5, "END": -1.0}


@dataclass(frozen=True)
class Shutter:
    """When light comes in.

    Attributes:
        duration: from opening to closing, frames.
        position: where the frame is in it: START, CENTER or END.
        openness: at even steps from opening to closing, at least two; 0 or more.
    """

    duration: float
    position: str = "CENTER"
    openness: tuple[float, ...] = (1.0, 1.0)

    def moments(self, count: int) -> np.ndarray:
        """Times (count,), frames from the frame itself, each of which stands for as much light as the others."""
        openness = np.maximum(self.openness, 0.0)
        if not openness.any():
            openness = np.ones(2)
        light = np.concatenate([[0.0], np.cumsum((openness[1:] + openness[:-1]) / 2)])
        places = np.interp((np.arange(count) + 0.5) / count * light[-1], light, np.linspace(0, 1, len(light)))
        return self._times(places)

    def steps(self, count: int) -> np.ndarray:
        """Even times (count,) from opening to closing, frames from the frame itself."""
        return self._times(np.linspace(0, 1, count))

    def _times(self, places: np.ndarray) -> np.ndarray:
        return (_BEGINS[self.position] + places) * min(self.duration, _LONGEST)
