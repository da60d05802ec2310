"""The places of a mesh that lie nearest to points."""

from __future__ import annotations

import numpy as np

from ...kernels.compilation import kernel
from ...kernels.thread_pool import atomic_increment

_CHUNK = 256
_LEAST = 1e-30


@kernel
def closest(points, vertices, triangles, near, found, barycentrics, distances, counter):
    """Writes the nearest place to each point, chunk after chunk until none is left.

    Args:
        points: float64 (n, 3).
        vertices, triangles: float64 (V, 3), int32 (T, 3).
        near: int64 (n, k), the triangles that are looked at.
        found, barycentrics, distances: int64 (n,), float64 (n, 3), float64 (n,), written.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    while True:
        first = atomic_increment(counter) * _CHUNK
        if first >= len(points):
            return
        for i in range(first, min(first + _CHUNK, len(points))):
            distances[i] = np.inf
            for candidate in near[i]:
                a, b, c = triangles[candidate, 0], triangles[candidate, 1], triangles[candidate, 2]
                u, v, w = _barycentrics(points[i], vertices[a], vertices[b], vertices[c])
                square = 0.0
                for axis in range(3):
                    off = u * vertices[a, axis] + v * vertices[b, axis] + w * vertices[c, axis] - points[i, axis]
                    square += off * off
                if square < distances[i]:
                    distances[i], found[i] = square, candidate
                    barycentrics[i, 0], barycentrics[i, 1], barycentrics[i, 2] = u, v, w
            distances[i] = np.sqrt(distances[i])


@kernel
def _barycentrics(point, a, b, c):
    """Of the place of a triangle that is nearest to a point: Ericson, "Real-Time Collision Detection", 5.1.5."""
    d1, d2, d3, d4, d5, d6 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for axis in range(3):
        ab, ac = b[axis] - a[axis], c[axis] - a[axis]
        from_a, from_b, from_c = point[axis] - a[axis], point[axis] - b[axis], point[axis] - c[axis]
        d1, d2 = d1 + ab * from_a, d2 + ac * from_a
        d3, d4 = d3 + ab * from_b, d4 + ac * from_b
        d5, d6 = d5 + ab * from_c, d6 + ac * from_c
    if d1 <= 0.0 and d2 <= 0.0:
        return 1.0, 0.0, 0.0
    if d3 >= 0.0 and d4 <= d3:
        return 0.0, 1.0, 0.0
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 0.0, 1.0
    across_c = d1 * d4 - d3 * d2
    if across_c <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        along = d1 / max(d1 - d3, _LEAST)
        return 1.0 - along, along, 0.0
    across_b = d5 * d2 - d1 * d6
    if across_b <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        along = d2 / max(d2 - d6, _LEAST)
        return 1.0 - along, 0.0, along
    across_a = d3 * d6 - d5 * d4
    if across_a <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        along = (d4 - d3) / max((d4 - d3) + (d5 - d6), _LEAST)
        return 0.0, 1.0 - along, along
    scale = 1.0 / max(across_a + across_b + across_c, _LEAST)
    return 1.0 - (across_b + across_c) * scale, across_b * scale, across_c * scale
