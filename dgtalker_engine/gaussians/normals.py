"""Smooth normals of the mesh that carries Gaussians.

A Gaussian has a shortest axis, but heads are fitted to pictures, and their axes are noise where the colours are plain.
Every head has a mesh. Where it is folded, as between lips, the mean of what lies close together faces outwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

_REACH = 0.015
"""Of the mesh's longest side: how far away normals still count."""
_EDGES = 1.5
"""And at least so many of its edges: a mesh may be coarse."""
_MOST_NEIGHBOURS = 64
_FLAT = 1e-6
"""Of the volume that a part's triangles could enclose: below it they lie in a plane with the middle."""


class Smoothing(NamedTuple):
    """How the normals of a mesh's vertices are made, worked out once, at rest.

    Attributes:
        triangles: int32 (T, 3).
        mixing: (V, V), the part that each vertex's own normal has in another's; below 0 where it faces inwards.
    """

    triangles: np.ndarray
    mixing: sparse.csr_matrix


def smoothing(vertices: np.ndarray, triangles: np.ndarray) -> Smoothing:
    """
    Args:
        vertices: (V, 3), the mesh at rest.
        triangles: int32 (T, 3). Each connected part may be turned inside out.
    """
    vertices, count = np.asarray(vertices, np.float64), len(vertices)
    edges = np.linalg.norm(vertices[triangles] - vertices[np.roll(triangles, 1, axis=1)], axis=-1)
    reach = max(_REACH * np.ptp(vertices, axis=0).max(), _EDGES * np.median(edges) if len(edges) else 0.0)
    near = min(_MOST_NEIGHBOURS, count)
    distances, neighbours = KDTree(vertices).query(vertices, k=near)
    parts = np.maximum(1 - distances.reshape(count, near) / max(reach, 1e-9), 0)
    rows = np.repeat(np.arange(count), near)
    facing = parts.ravel() * _facing(vertices, triangles)[neighbours.ravel()]
    mixing = sparse.csr_matrix((facing, (rows, neighbours.ravel())), shape=(count, count))
    mixing.eliminate_zeros()
    return Smoothing(triangles, mixing)


def vertex_normals(vertices: np.ndarray, smoothing: Smoothing) -> np.ndarray:
    """Unit normals, float64 (V, 3), outwards; 0 where there are no triangles.

    Args:
        vertices: (V, 3), the mesh as it is now.
    """
    corners = smoothing.triangles
    a, b, c = np.asarray(vertices, np.float64)[corners.T]
    across = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    sums = [np.bincount(corners.ravel(), part, len(vertices)) for part in across.T]
    return unit(smoothing.mixing @ np.stack(sums, axis=1))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 3) made as long as 1; 0 stays 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _facing(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Of each vertex (V,), whether its part of the mesh has its outside outside, 1, or inside, -1: by the sign of the
    volume between the part and the middle of the mesh. Of closed parts it does not matter where that is; open ones, as
    lids are, face away from it."""
    count = len(vertices)
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = sparse.coo_matrix((np.ones(len(sides)), tuple(sides.T)), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    a, b, c = (vertices - vertices.mean(axis=0))[triangles.T]
    across, owner = np.cross(b, c), part[triangles[:, 0]]
    volumes = np.bincount(owner, (a * across).sum(axis=1), parts)
    sizes = np.bincount(owner, np.linalg.norm(a, axis=1) * np.linalg.norm(across, axis=1), parts)
    return np.where(volumes < -_FLAT * sizes, -1.0, 1.0)[part]
