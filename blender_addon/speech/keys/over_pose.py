"""How what is generated lies over the pose that the animator had. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dgtalker_engine.performance import FADE, Performance
from dgtalker_engine.performance.direction import ease


def faded(performance: Performance, first: int, rest: Mapping[str, float]) -> tuple[Performance, int]:
    """A performance that comes out of rest and goes back to it, around its own frames; and its first frame."""
    frames = max(1, round(FADE * performance.fps))
    default = np.array([rest.get(name, 0.0) for name in performance.names], np.float32)
    moves = performance.weights - default
    rise = ease(np.arange(frames) / frames).astype(np.float32)[:, None]
    weights = default + np.concatenate([moves[:1] * rise, moves, moves[-1:] * rise[::-1]])
    return Performance(performance.fps, performance.names, weights.astype(np.float32)), first - frames


def moved(own: np.ndarray, curve: np.ndarray, default: float, ends: tuple[float, float]) -> np.ndarray:
    """A control's generated curve over where the animator had it."""
    low = min(ends[0], float(curve.min()), float(own.min()))
    high = max(ends[1], float(curve.max()), float(own.max()))
    return np.clip(own + (curve - np.float32(default)), low, high)
