"""The places of a mesh that lie nearest to points."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

_CANDIDATES = 32


def closest_on_mesh(
    points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, candidates: int = _CANDIDATES
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest place of a mesh to each point: triangles (n,), barycentrics (n, 3).

    Ericson, "Real-Time Collision Detection" (2005), section 5.1.5.

    Args:
        points: (n, D), places in space or in more dimensions, such as places and normals.
        vertices: (V, D).
        triangles: (F, 3).
        candidates: how many triangles to look at for a point, those whose middles are nearest: exact when it is F, and
            in effect where triangles near each other are of like size.
    """
    corners = vertices[triangles]
    _, near = KDTree(corners.mean(axis=1)).query(points, k=min(candidates, len(triangles)))
    near = near.reshape(len(points), -1)
    weights = _closest_barycentrics(points[:, None], corners[near])
    distance = (((weights[..., None] * corners[near]).sum(axis=2) - points[:, None]) ** 2).sum(axis=2)
    best = distance.argmin(axis=1)
    rows = np.arange(len(points))
    return near[rows, best], weights[rows, best]


def _closest_barycentrics(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Of the place of each triangle (…, 3, D) that is nearest to its point (…, D)."""
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    first, second, towards = b - a, c - a, point - a
    d00, d01, d11 = (first * first).sum(-1), (first * second).sum(-1), (second * second).sum(-1)
    d20, d21 = (towards * first).sum(-1), (towards * second).sum(-1)
    scale = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale
    best = np.stack([1 - v - w, v, w], axis=-1)
    distance = np.where((best >= 0).all(axis=-1), 0.0, np.inf)
    for start, end in ((0, 1), (1, 2), (2, 0)):
        edge = corners[..., end, :] - corners[..., start, :]
        along = ((point - corners[..., start, :]) * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-30)
        along = np.clip(along, 0, 1)
        gap = ((corners[..., start, :] + along[..., None] * edge - point) ** 2).sum(-1)
        weights = np.zeros_like(best)
        weights[..., start], weights[..., end] = 1 - along, along
        nearer = gap < distance
        best = np.where(nearer[..., None], weights, best)
        distance = np.where(nearer, gap, distance)
    return best
