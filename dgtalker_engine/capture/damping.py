"""Landmarks without their jitter, lips and lids as shut as they were."""

from __future__ import annotations

import numpy as np
from scipy.signal import savgol_filter

_WINDOW, _ORDER = 5, 2
_RESIDUAL = 0.717
"""Spread that white noise of spread 1 keeps about the filter's curve: √(1 − 17/35)."""

_NOISE, _MOTION = 1.5, 3.0
"""In spreads of the noise: so near to the smooth curve a landmark lies on it, so far it stays where it was seen."""

_AT_ONCE = 48  # landmarks

_LIPS = (
    0, 11, 12, 13, 14, 15, 16, 17, 37, 38, 39, 40, 41, 42, 61, 62, 72, 73, 74, 76, 77, 78, 80, 81, 82, 84, 85, 86, 87,
    88, 89, 90, 91, 95, 96, 146, 178, 179, 180, 181, 183, 184, 185, 191, 267, 268, 269, 270, 271, 272, 291, 292, 302,
    303, 304, 306, 307, 308, 310, 311, 312, 314, 315, 316, 317, 318, 319, 320, 321, 324, 325, 375, 402, 403, 404, 405,
    407, 408, 409, 415,
)  # fmt: skip
_RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
_LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
_TOGETHER = (_LIPS, _RIGHT_EYE, _LEFT_EYE, tuple(range(468, 473)), tuple(range(473, 478)))
"""Lips, lids and irises: what speech and looks move, and what shuts."""


def damp(landmarks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Landmarks whose trembling is gone: float32 (T, 478, 3).

    A curve of second order over five frames (Savitzky & Golay 1964), without delay, takes the place of what lies about
    it within the landmarks' noise. What leaves it is motion and stays: the spread of the noise is measured on the clip.

    Lips, lids and irises lose the trembling of the whole face alone: their openings stay exactly as they were seen.

    Args:
        landmarks: as they were seen (T, 478, 3), pixels.
        frames: their numbers (T,): the curves end where one is missing.
    """
    runs = np.split(np.arange(len(landmarks)), np.flatnonzero(np.diff(frames) != 1) + 1)
    # some landmarks after the other: all of an hour's at once would fill the memory
    parts = [slice(first, first + _AT_ONCE) for first in range(0, landmarks.shape[1], _AT_ONCE)]
    spread = np.concatenate([_spread(_away(landmarks[:, part], runs)) for part in parts])
    # A region that moves all the time would make a large spread of its own: no more counts than is usual in the face.
    spread = np.maximum(np.minimum(spread, np.median(spread, axis=0)), 1e-6)
    change = np.empty(landmarks.shape, np.float32)
    for part in parts:
        away = _away(landmarks[:, part], runs)
        moved = np.linalg.norm(away[..., :2] / spread[part, :2], axis=2) / np.sqrt(2)
        share = np.clip((moved - _NOISE) / (_MOTION - _NOISE), 0, 1)[..., None]
        change[:, part] = (share - 1) * away
    # What trembles with the whole face is taken out of lips and eyes too; their own shape stays as it was seen.
    rest = np.setdiff1d(np.arange(landmarks.shape[1]), [i for group in _TOGETHER for i in group])
    common = np.median(change[:, rest], axis=1, keepdims=True)
    for group in _TOGETHER:
        change[:, group] = common
    change += landmarks
    return change


def _away(landmarks: np.ndarray, runs: list[np.ndarray]) -> np.ndarray:
    """From the smooth curves of runs of frames to the landmarks, float64 (T, n, 3)."""
    points = landmarks.astype(np.float64)
    away = np.zeros_like(points)
    for run in runs:
        if len(run) >= _WINDOW:
            away[run] = points[run] - np.asarray(savgol_filter(points[run], _WINDOW, _ORDER, axis=0))
    return away


def _spread(away: np.ndarray) -> np.ndarray:
    """Of the noise (n, 3)."""
    return np.median(np.abs(away), axis=0) / 0.6745 / _RESIDUAL
