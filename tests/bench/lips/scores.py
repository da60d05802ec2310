"""Figures of predicted lips against tracked ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

LAGS = np.arange(-0.12, 0.1201, 0.01)
"""Seconds; positive lags are of predictions that trail the tracked lips."""

CLOSED_SHARE = 0.2
"""The share of the speech, with the smallest tracked openings, that counts as closed."""

TOUCHING = 1.0
"""Millimetres between the rig's lips that look closed."""

LEAD = 0.06
"""Seconds before a P, B or M in which its closure may fall: lips lead the sound."""


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where one of the two does not move."""
    if len(a) < 3 or a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def lagged(times: np.ndarray, tracked: np.ndarray, clock: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """The best correlation over `LAGS`, and its lag in seconds."""
    scores = [correlation(np.interp(times + lag, clock, predicted), tracked) for lag in LAGS]
    best = int(np.argmax(scores))
    return scores[best], float(LAGS[best])


def closed_auc(tracked: np.ndarray, predicted: np.ndarray) -> float:
    """The chance that a frame with closed lips is predicted less open than one with open lips; 0.5 is blind."""
    closed = tracked < np.quantile(tracked, CLOSED_SHARE)
    if not closed.any() or closed.all():
        return 0.5
    rank, count = rankdata(-predicted), int(closed.sum())
    return float((rank[closed].sum() - count * (count + 1) / 2) / (count * (~closed).sum()))


def closures(
    windows: Sequence[tuple[float, float]], spoken: np.ndarray, clock: np.ndarray, opening: np.ndarray
) -> tuple[float, float]:
    """The share of P, B and M with lips that touch, and of windows as long anywhere in the speech.

    Args:
        windows: start and end of each P, B, M, seconds.
        spoken: times within speech, where chance is measured.
        clock: times of `opening` (n,).
        opening: millimetres (n,).
    """
    if not windows:
        return float("nan"), float("nan")

    def touches(start: float, end: float) -> bool:
        part = slice(int(np.searchsorted(clock, start - LEAD)), int(np.searchsorted(clock, end)) + 1)
        return bool((opening[part] < TOUCHING).any())

    recall = np.mean([touches(*window) for window in windows])
    half = float(np.mean([end - start for start, end in windows])) / 2
    chance = np.mean([touches(time - half, time + half) for time in spoken])
    return float(recall), float(chance)


def jitter(curve: np.ndarray) -> float:
    """Root mean square of the second differences, in standard deviations of the curve."""
    return float(np.sqrt(np.mean(np.diff(curve, 2) ** 2)) / max(curve.std(), 1e-9)) if len(curve) > 2 else 0.0
