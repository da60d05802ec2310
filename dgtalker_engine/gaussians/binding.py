"""Which vertices of a mesh carry which Gaussians: worked out once, where both are at rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from ..errors import DGTalkerError
from ..kernels import thread_pool
from .cpu.closest import closest

NODES = 8
"""Vertices that carry one Gaussian, at most."""
CANDIDATES = 24
"""Triangles that are looked at for a point, those whose middles are nearest."""
NEAR = 1e-3
"""Metres from the mesh up to which the nearest place alone counts."""
AROUND = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
"""Whence the nearest place is looked for, (7, 3), from a Gaussian and by half its distance from the mesh."""


class Binding(NamedTuple):
    """What carries N Gaussians.

    Attributes:
        nodes: int32 (N, NODES), indices of vertices, those of the largest weight first.
        weights: float32 (N, NODES), sum 1; 0 where there are fewer.
        triangles: int32 (T, 3), of the mesh.
    """

    nodes: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray

    def check(self, gaussians: int, vertices: int) -> None:
        """Raises DGTalkerError where it is not of a cloud of so many Gaussians and a mesh of so many vertices."""
        if len(self.nodes) != gaussians or int(self.nodes.max(initial=-1)) >= vertices:
            raise DGTalkerError("The avatar's mesh does not fit its Gaussians.")


def triangles_of(faces: np.ndarray) -> np.ndarray:
    """int32 (T, 3): a mesh's faces (F, 4), -1 in the last place of a triangle, with quads cut in two."""
    faces = np.asarray(faces, np.int32)
    return np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])


def bind(means: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> Binding:
    """Binds Gaussians to the corners of the triangles that are nearest to them.

    On the mesh these are the corners of one triangle, weighted by barycentric coordinates, which change steadily from
    triangle to triangle. Off the mesh, as hair is, the nearest place jumps where two places are equally near. So it is
    looked for from seven places around the Gaussian, farther apart the farther it is off, and the mean of them counts:
    neighbours stay neighbours.

    Args:
        means: (N, 3), metres, at rest.
        vertices: (V, 3), the mesh at rest.
        faces: (F, 4), -1 in the last place of a triangle.
    """
    triangles = triangles_of(faces)
    if not len(triangles):  # a mesh of vertices alone: the nearest ones carry
        triangles = np.repeat(np.arange(len(vertices), dtype=np.int32)[:, None], 3, axis=1)
    means, vertices = np.asarray(means, np.float64), np.asarray(vertices, np.float64)
    triangle, barycentrics, distance = _closest(means, vertices, triangles)
    nodes, weights = np.zeros((len(means), NODES), np.int32), np.zeros((len(means), NODES))
    nodes[:, :3], weights[:, :3] = _largest(triangles[triangle], barycentrics)
    off = np.flatnonzero(distance > NEAR)
    if len(off):
        places = means[off, None] + 0.5 * distance[off, None, None] * AROUND
        triangle, barycentrics, _ = _closest(places.reshape(-1, 3), vertices, triangles)
        corners = triangles[triangle].reshape(len(off), -1)
        nodes[off], weights[off] = _largest(corners, barycentrics.reshape(len(off), -1))
    weights /= weights.sum(axis=1, keepdims=True)
    return Binding(nodes, weights.astype(np.float32), triangles)


def _closest(
    points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest place of the mesh to each point: triangles (n,), barycentrics (n, 3), distances (n,)."""
    count = min(CANDIDATES, len(triangles))
    _, near = KDTree(vertices[triangles].mean(axis=1)).query(points, k=count)
    found, barycentrics = np.empty(len(points), np.int64), np.empty((len(points), 3))
    distances, counter = np.empty(len(points)), np.zeros(1, np.int64)
    near = near.reshape(len(points), count)
    arguments = (points, vertices, triangles, near, found, barycentrics, distances, counter)
    thread_pool.run(thread_pool.thread_count(), closest, *arguments)
    return found, barycentrics, distances


def _largest(nodes: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row's vertices, the same one also several times, the NODES with the largest sums, largest first."""
    order = np.argsort(nodes, axis=1)
    nodes, weights = np.take_along_axis(nodes, order, 1), np.take_along_axis(weights, order, 1)
    sums = weights.cumsum(axis=1)
    last = np.append(nodes[:, 1:] != nodes[:, :-1], np.ones((len(nodes), 1), bool), axis=1)
    before = np.maximum.accumulate(np.where(last, sums, 0), axis=1)
    summed = np.where(last, sums - np.append(np.zeros((len(nodes), 1)), before[:, :-1], axis=1), 0)
    order = np.argsort(-summed, axis=1, kind="stable")[:, :NODES]
    return np.take_along_axis(nodes, order, 1), np.take_along_axis(summed, order, 1)
