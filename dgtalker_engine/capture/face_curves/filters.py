"""Filters over time that leave alone what is fast on purpose: closures, blinks, looks.

Curves are float64 (T,) or (T, n).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

_TO_DEVIATION = 1.4826
"""Of a median absolute deviation, for normal noise."""


def noise(curves: np.ndarray) -> np.ndarray:
    """The standard deviation of the noise from picture to picture (n,): what is left of curves without their motion.

    Second differences hardly know motion; the median of their absolute values hardly knows events (Rousseeuw and Croux,
    "Alternatives to the median absolute deviation", 1993). √6 is what a second difference makes of independent noise.
    """
    if len(curves) < 5:
        return np.zeros(curves.shape[1:])
    second = np.diff(curves, n=2, axis=0)
    return _TO_DEVIATION * np.median(np.abs(second), axis=0) / np.sqrt(6.0)


def cored(curves: np.ndarray, frames: float, threshold: np.ndarray | float) -> np.ndarray:
    """Curves averaged over time, but for what differs from the average by more than noise does: that stays.

    Args:
        curves: (T,) or (T, n).
        frames: standard deviation of the Gaussian that averages.
        threshold: differences up to it are taken for noise; from twice as much on they stay whole.
    """
    if len(curves) < 2 or frames <= 0:
        return curves
    smooth = gaussian_filter1d(curves, frames, axis=0, mode="nearest")
    difference = curves - smooth
    kept = np.clip(np.abs(difference) / np.maximum(threshold, 1e-9) - 1.0, 0.0, 1.0)
    return smooth + difference * kept * kept * (3.0 - 2.0 * kept)


def median(curves: np.ndarray, frames: int) -> np.ndarray:
    """Each value's median over `frames` pictures, an odd number: steps stay steps, what is shorter than half goes."""
    size = (frames, *(1,) * (curves.ndim - 1))
    return median_filter(curves, size=size, mode="nearest")


def blurred(curves: np.ndarray, frames: float) -> np.ndarray:
    """Curves averaged with a Gaussian of a standard deviation in pictures."""
    return gaussian_filter1d(curves, frames, axis=0, mode="nearest") if frames > 0 and len(curves) > 1 else curves
