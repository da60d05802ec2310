"""Where a head ends below: its shoulders fade out, instead of in the tatters of what frames cut off."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from ..capture.face_model import FaceModel, Region

FADE = 0.02
"""Metres above the smooth line, on which there is nothing, from where on the head is whole."""


def presence(face_model: FaceModel, rest: np.ndarray, means: np.ndarray, neck: np.ndarray) -> np.ndarray:
    """float32 (N,), what Gaussians' opacities are multiplied by.

    Args:
        face_model: the model, which is open below.
        rest: its vertices as the person is (V, 3).
        means: of the Gaussians at rest (N, 3).
        neck: bool (N,), the Gaussians of neck and shoulders.
    """
    share = np.ones(len(means), np.float32)
    edge = rest[np.unique(_edge(face_model))]
    if len(edge) and neck.any():
        middle, reach = (edge.max(axis=0) + edge.min(axis=0)) / 2, np.ptp(edge, axis=0)
        # A model's edge has notches. A head ends on the lowest smooth line around the neck that lies above them all.
        waves = _around(edge, middle, reach)
        line = linprog(waves.mean(axis=0), A_ub=-waves, b_ub=-edge[:, 2], bounds=(None, None)).x
        part = np.clip((means[neck, 2] - _around(means[neck], middle, reach) @ line) / FADE, 0, 1)
        share[neck] = part * part * (3 - 2 * part)
    return share


def _around(points: np.ndarray, middle: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Waves (N, 5) of the angle around a neck."""
    x, y = ((points - middle)[:, :2] / reach[:2]).T
    angle = np.arctan2(y, x)
    return np.stack([np.ones_like(x), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], axis=1)


def _edge(face_model: FaceModel) -> np.ndarray:
    """The vertices (n, 2) of the edges of the neck that have a triangle on one side alone."""
    triangles = face_model.faces.numpy()
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, first, times = np.unique(edges, axis=0, return_index=True, return_counts=True)
    open_ = first[times == 1]
    return edges[open_[face_model.regions.numpy()[open_ % len(triangles)] == Region.NECK]]
