"""Blinks: how far the lids are shut, against how far this person's eyes are open usually."""

from __future__ import annotations

import numpy as np

# Landmarks of the subject's left and right eye: pairs over each other on the lids' edges, and the corners.
_LIDS = (((386, 374), (385, 380), (387, 373)), ((159, 145), (158, 153), (160, 144)))
_CORNERS = ((362, 263), (33, 133))

_OPEN_QUANTILE = 0.75
_SHUT = 0.3
"""Of the usual opening: what is left between the landmarks of lids that touch."""


def opening(landmarks: np.ndarray) -> np.ndarray:
    """Between the lids, in widths of the eye, of the left and the right one: landmarks (T, 478, 3) → (T, 2)."""
    points = landmarks.astype(np.float64)
    columns = []
    for lids, (inner, outer) in zip(_LIDS, _CORNERS, strict=True):
        apart = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in lids], axis=0)
        columns.append(apart / np.linalg.norm(points[:, inner] - points[:, outer], axis=1))
    return np.stack(columns, axis=1)


def blink(landmarks: np.ndarray) -> np.ndarray:
    """How far the left and the right eye are shut, of 0 to 1, float32 (T, 2): 0 as usual and wider, 1 lids that touch.

    Args:
        landmarks: of one person (T, 478, 3).
    """
    apart = opening(landmarks)
    usual = np.quantile(apart, _OPEN_QUANTILE, axis=0)
    return np.clip((1 - apart / usual) / (1 - _SHUT), 0, 1).astype(np.float32)
