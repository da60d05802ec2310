"""Filters of curves over time, float32 (frames, n), along the first axis; the ends are held."""

from __future__ import annotations

import numpy as np


def shifted(curves: np.ndarray, later: float) -> np.ndarray:
    """Curves `later` frames later, between frames by Catmull and Rom's cubic, which keeps peaks."""
    whole = int(np.floor(later))
    fraction = np.float32(later - whole)
    row = np.arange(len(curves)) - whole
    last = len(curves) - 1
    if fraction == 0:
        return curves[np.clip(row, 0, last)]
    # Between the frame that comes a step before and the one that is due.
    a, b, c, d = (curves[np.clip(row + step, 0, last)] for step in (-2, -1, 0, 1))
    t = np.float32(1) - fraction
    return b + t * 0.5 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def smoothed(curves: np.ndarray, deviation: float) -> np.ndarray:
    """Curves averaged with a Gaussian of a standard deviation in frames."""
    reach = int(np.ceil(3.5 * deviation))
    if reach == 0 or len(curves) == 0:
        return curves
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    padded = np.pad(curves, ((reach, reach), (0, 0)), mode="edge")
    result = np.zeros_like(curves)
    for i, weight in enumerate(kernel):
        result += weight * padded[i : i + len(curves)]
    return result


def held(curves: np.ndarray, window: float) -> np.ndarray:
    """Extremes kept for `window` frames, with quicker ways between them.

    The toggle mapping of Kramer and Bruckner ("Iterations of a non-linear transformation for enhancement of digital
    images", 1975): each value becomes the greatest or the least around it, whichever is nearer.
    """
    half = window / 2
    less = int(np.floor(half))
    result = _toggled(curves, less)
    if half > less:
        result = result + np.float32(half - less) * (_toggled(curves, less + 1) - result)
    return result


def _toggled(curves: np.ndarray, reach: int) -> np.ndarray:
    if reach == 0:
        return curves
    greatest, least = _extreme(curves, reach, np.maximum), _extreme(curves, reach, np.minimum)
    # Where both are equally near, the curve stays: nothing is thrown to one side by rounding.
    middle = 0.5 * (greatest + least)
    return np.where(curves > middle, greatest, np.where(curves < middle, least, curves))


def _extreme(curves: np.ndarray, reach: int, choose: np.ufunc) -> np.ndarray:
    """The extreme of the frames within `reach`, by windows of doubled length."""
    window = np.pad(curves, ((reach, reach), (0, 0)), mode="edge")
    length, wanted = 1, 2 * reach + 1
    while 2 * length <= wanted:
        window = choose(window[:-length], window[length:])
        length *= 2
    rest = wanted - length
    return choose(window[: len(window) - rest], window[rest:]) if rest else window
