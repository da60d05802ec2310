"""Meshes of implicit surfaces."""

from __future__ import annotations

import numpy as np

from ..sculpture import sdf

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
SLAB = 2_000_000


def surface_net(form: np.ndarray, box: Box, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and quads (F, 4), counter-clockwise from outside, of a form within a box (Gibson's surface nets).

    Each vertex is the mean of the points where the edges of its cell cross the surface, laid onto the surface.

    Written here: scikit-image has marching cubes, which give triangles and not quads, and would be 32 MB more for one
    function that is used only when heads are made.
    """
    axes = [np.arange(low, high + cell, cell) for low, high in zip(*box, strict=True)]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    shape = corners.shape[:3]
    flat = corners.reshape(-1, 3)
    value = np.concatenate([sdf.distances(form, flat[i : i + SLAB]) for i in range(0, len(flat), SLAB)]).reshape(shape)
    crossing, vertices = _vertices(corners, value)
    number = np.full(crossing.shape, -1)
    number[crossing] = np.arange(len(vertices))
    for _ in range(4):
        vertices = vertices - sdf.distances(form, vertices)[:, None] * sdf.normals(form, vertices)
    return vertices, np.concatenate([_quads(number, value, axis) for axis in range(3)])


def _vertices(corners: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells the surface crosses, bool (I, J, K), and a vertex for each of them in order."""
    cells = tuple(size - 1 for size in value.shape)
    total, count = np.zeros((*cells, 3)), np.zeros(cells)
    for axis in range(3):
        lower = [slice(None)] * 3
        upper = [slice(None)] * 3
        lower[axis], upper[axis] = slice(None, -1), slice(1, None)
        a, b = value[tuple(lower)], value[tuple(upper)]
        crosses = (a < 0) != (b < 0)
        share = np.where(crosses, a / np.where(crosses, a - b, 1), 0)[..., None]
        place = corners[tuple(lower)] + share * (corners[tuple(upper)] - corners[tuple(lower)])
        others = [other for other in range(3) if other != axis]
        for one in (slice(None, -1), slice(1, None)):
            for two in (slice(None, -1), slice(1, None)):
                part = [slice(None)] * 3
                part[others[0]], part[others[1]] = one, two
                here = crosses[tuple(part)]
                total += place[tuple(part)] * here[..., None]
                count += here
    crossing = count > 0
    return crossing, total[crossing] / count[crossing][:, None]


def _quads(number: np.ndarray, value: np.ndarray, axis: int) -> np.ndarray:
    """The quads around the grid's edges along one axis that the surface crosses."""
    a, b = np.take(value, range(value.shape[axis] - 1), axis), np.take(value, range(1, value.shape[axis]), axis)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    i = np.argwhere((a < 0) != (b < 0))
    inside = np.all([(i[:, k] > 0) & (i[:, k] < number.shape[k]) for k in (one, two)], axis=0)
    i = i[inside]
    outwards = a[tuple(i.T)] < 0
    ring = []
    for back_one, back_two in ((1, 1), (0, 1), (0, 0), (1, 0)):
        place = i.copy()
        place[:, one] -= back_one
        place[:, two] -= back_two
        ring.append(number[tuple(place.T)])
    quads = np.stack(ring, axis=1)
    return np.where(outwards[:, None], quads, quads[:, ::-1])
