"""The nearest places of a mesh."""

from __future__ import annotations

import numpy as np


def closest_on_mesh(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest place of a mesh to each point: triangles (n,), barycentrics (n, 3).

    Ericson, "Real-Time Collision Detection" (2005), section 5.1.5, over all triangles.

    Args:
        points: (n, 3).
        vertices: (V, 3).
        triangles: (F, 3).
    """
    corners = vertices[triangles]
    faces, barycentrics = [], []
    for point in points:
        weights = _closest_barycentrics(point, corners)
        distance = (((weights[:, :, None] * corners).sum(axis=1) - point) ** 2).sum(axis=1)
        best = int(distance.argmin())
        faces.append(best)
        barycentrics.append(weights[best])
    return np.array(faces), np.array(barycentrics)


def _closest_barycentrics(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Of the place of each triangle (F, 3, 3) that is nearest to a point (F, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    first, second, towards = b - a, c - a, point - a
    d00, d01, d11 = (first * first).sum(1), (first * second).sum(1), (second * second).sum(1)
    d20, d21 = (towards * first).sum(1), (towards * second).sum(1)
    scale = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale
    inside = np.stack([1 - v - w, v, w], axis=1)
    best, distance = inside, np.where((inside >= 0).all(axis=1), 0.0, np.inf)
    for start, end in ((0, 1), (1, 2), (2, 0)):
        edge = corners[:, end] - corners[:, start]
        along = ((point - corners[:, start]) * edge).sum(1) / np.maximum((edge * edge).sum(1), 1e-30)
        along = np.clip(along, 0, 1)
        gap = ((corners[:, start] + along[:, None] * edge - point) ** 2).sum(1)
        weights = np.zeros_like(inside)
        weights[np.arange(len(weights)), start] = 1 - along
        weights[np.arange(len(weights)), end] = along
        nearer = gap < distance
        best = np.where(nearer[:, None], weights, best)
        distance = np.where(nearer, gap, distance)
    return best
