"""Brows: scores say how they are held, the landmarks how they move."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import filters
from .measures import Measures

_RISES = np.array([[0.062, 0.029, -0.025], [0.031, 0.085, -0.041]])
"""Of a brow's inner end and of its bow at browInnerUp, browOuterUp and browDown 1, in ICT-FaceKit."""

_DAMPING = 0.0012
_SMOOTH_SECONDS = 0.08


def brows(measures: Measures, scores: Mapping[str, np.ndarray], fps: float) -> dict[str, np.ndarray]:
    """The curves of the brows by name.

    Damped least squares from the scores on: what the landmarks show beyond them, but for its median, is shared out.
    """
    gain = _RISES.T @ np.linalg.inv(_RISES @ _RISES.T + _DAMPING * np.eye(2))
    sides = []
    for i, side in enumerate(("Left", "Right")):
        said = np.stack([scores["browInnerUp"], scores[f"browOuterUp{side}"], scores[f"browDown{side}"]])
        seen = np.stack([measures.inner_brows[:, i], measures.outer_brows[:, i]], axis=1)
        seen = filters.cored(seen, _SMOOTH_SECONDS * fps, 3.0 * filters.noise(seen)).T
        beyond = seen - _RISES @ said
        beyond -= np.median(beyond, axis=1, keepdims=True)
        sides.append(np.clip(said + gain @ beyond, 0.0, 1.0))
    left, right = sides
    return {
        "browInnerUp": (left[0] + right[0]) / 2,
        "browOuterUpLeft": left[1],
        "browOuterUpRight": right[1],
        "browDownLeft": left[2],
        "browDownRight": right[2],
    }
