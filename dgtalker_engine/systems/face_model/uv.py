"""UV: every part of the mesh flattened without a seam, so that a vertex has one place."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

_LARGEST = 0.8
"""Side of the square of the component with the most triangles; the others share what is left."""
_MARGIN = 0.96
"""Of a disc in its square."""


def unwrap(triangles: np.ndarray, count: int) -> np.ndarray:
    """UV of a mesh (count, 2), 0–1: the largest component in one corner, the others in rows around it.

    Tutte's embedding ("How to draw a graph", 1963) of each component: its longest boundary lies on a circle, every
    other vertex at its neighbours' mean. A component without boundary is opened around one of its vertices, which
    then lies on the circle's edge with its neighbours.
    """
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    number, labels = connected_components(graph, directed=False)
    sizes = np.bincount(labels, minlength=number)
    uv = np.zeros((count, 2))
    small = [label for label in np.argsort(-sizes, kind="stable") if label != sizes.argmax()]
    corners = _squares(len(small))
    for label in range(number):
        own = np.flatnonzero(labels == label)
        index = np.full(count, -1)
        index[own] = np.arange(len(own))
        disc = _tutte(index[triangles[labels[triangles[:, 0]] == label]], len(own))
        corner, side = ((0.0, 0.0), _LARGEST) if label == sizes.argmax() else corners[small.index(label)]
        uv[own] = np.asarray(corner) + side * (0.5 + 0.5 * _MARGIN * disc)
    return uv


def _squares(count: int) -> list[tuple[tuple[float, float], float]]:
    """Corners and sides of squares in the L that the largest one leaves."""
    side = 1 - _LARGEST
    while True:
        along, deep = int(1 / side), int((1 - _LARGEST) / side)
        places = [(a * side, _LARGEST + d * side) for d in range(deep) for a in range(along)]
        places += [(_LARGEST + d * side, a * side) for d in range(deep) for a in range(int(_LARGEST / side))]
        if len(places) >= count:
            return [(place, side) for place in places[:count]]
        side *= 0.9


def _tutte(triangles: np.ndarray, count: int) -> np.ndarray:
    """A component in the unit circle (count, 2)."""
    loop = _longest_boundary(triangles)
    if not loop:
        loop = _longest_boundary(triangles[(triangles != count - 1).all(axis=1)])
    angles = 2 * np.pi * np.arange(len(loop)) / len(loop)
    places = np.zeros((count, 2))
    places[loop] = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    adjacency = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    adjacency.data[:] = 1
    laplacian = sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency
    free = np.setdiff1d(np.arange(count), loop)
    system = laplacian[free][:, free].tocsc()
    right = -(laplacian[free][:, loop] @ places[loop])
    places[free] = np.asarray(spsolve(system, right)).reshape(len(free), 2)
    return places


def _longest_boundary(triangles: np.ndarray) -> list[int]:
    """Vertices of the longest boundary in order; none of a closed mesh."""
    directed = {(int(t[k]), int(t[k - 2])) for t in triangles for k in range(3)}
    following = {a: b for a, b in directed if (b, a) not in directed}
    longest: list[int] = []
    while following:
        start = next(iter(following))
        loop = [start]
        while (after := following.pop(loop[-1])) != start:
            loop.append(after)
        longest = max(longest, loop, key=len)
    return longest
