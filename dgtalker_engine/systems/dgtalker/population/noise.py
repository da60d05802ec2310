"""Band-limited noise at points: sums of waves, whose lengths lie within bounds, so that planes can hold it."""

from __future__ import annotations

import numpy as np

_WAVES = 40


def fields(points: np.ndarray, shortest: float, longest: float, count: int, seed: int) -> np.ndarray:
    """Fields of mean 0 and standard deviation 1, float32 (N, count).

    Args:
        points: (N, d), in the unit of the wave lengths.
        shortest, longest: wave lengths.
        count: how many fields.
        seed: of them.
    """
    random = np.random.default_rng(seed)
    directions = random.standard_normal((count, _WAVES, points.shape[1]))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    lengths = np.exp(random.uniform(np.log(shortest), np.log(longest), (count, _WAVES, 1)))
    waves = (2 * np.pi * directions / lengths).astype(np.float32)
    phases = random.uniform(0, 2 * np.pi, (count, _WAVES)).astype(np.float32)
    made = [
        np.cos(points.astype(np.float32) @ wave.T + phase).sum(1) for wave, phase in zip(waves, phases, strict=True)
    ]
    return np.stack(made, axis=1) * np.float32(np.sqrt(2 / _WAVES))


def soft(x: np.ndarray, width: float) -> np.ndarray:
    """A bell: 1 at 0."""
    return np.exp(-np.square(x / width))


def smooth(low: float | np.ndarray, high: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """0 at `low`, 1 at `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ramp(low: float, high: float, x: float) -> float:
    """`smooth` of one number."""
    return float(smooth(low, high, np.asarray(x)))
