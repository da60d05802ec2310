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
_ROUNDS = 12


def unwrap(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """UV of a mesh (V, 2), 0–1: the component with the most triangles in one corner, the others in rows around it.

    Tutte's embedding ("How to draw a graph", 1963) of each component: its longest boundary lies on a circle, every
    other vertex at a mean of its neighbours. A component without boundary is opened around its last vertex, whose
    triangles then have no surface in UV.
    """
    count = len(vertices)
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
        disc = _flatten(vertices[own], index[triangles[labels[triangles[:, 0]] == label]])
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


def _flatten(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """A component (n, 3) in the unit circle (n, 2).

    Convex combinations keep every triangle's side (Tutte). Their weights follow Yoshizawa, Belyaev and Seidel, "A fast
    and simple stretch-minimizing mesh parameterization" (2004): a neighbour whose triangles are stretched pulls less,
    as long as that makes the whole less stretched.
    """
    count = len(vertices)
    loop = _longest_boundary(triangles)
    front = int(np.argmin(vertices[loop, 1])) if loop else 0
    loop = loop[front:] + loop[:front]
    closed = not loop
    if closed:
        loop = _longest_boundary(triangles[(triangles != count - 1).all(axis=1)])
    angles = 2 * np.pi * np.arange(len(loop)) / len(loop)
    circle = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    if closed:
        loop, circle = [*loop, count - 1], np.concatenate([circle, circle[:1]])
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    weights = np.ones(len(edges))
    best, least = _solve(edges, weights, loop, circle, count), np.inf
    places = best
    for _ in range(_ROUNDS):
        stretch, total = _stretch(vertices, places, triangles)
        if total >= least:
            break
        best, least = places, total
        weights = weights / np.sqrt(stretch[edges[:, 1]])
        places = _solve(edges, weights, loop, circle, count)
    return best


def _solve(edges: np.ndarray, weights: np.ndarray, loop: list[int], circle: np.ndarray, count: int) -> np.ndarray:
    """Every vertex that is not of the loop at the weighted mean of its neighbours (count, 2)."""
    places = np.zeros((count, 2))
    places[loop] = circle
    matrix = sparse.coo_matrix((weights, (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    laplacian = sparse.csr_matrix(sparse.diags(np.asarray(matrix.sum(axis=1)).ravel()) - matrix)
    free = np.setdiff1d(np.arange(count), loop)
    solution = spsolve(laplacian[free][:, free].tocsc(), -(laplacian[free][:, loop] @ circle))
    places[free] = np.asarray(solution).reshape(len(free), 2)
    return places


def _stretch(vertices: np.ndarray, places: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, float]:
    """How much surface lies on a piece of UV: of each vertex about its mean (n,), and all in all.

    Sander et al., "Texture mapping progressive meshes" (2001): the L² norm of the Jacobian from UV to the surface.
    Small triangles count as larger than they are: where the mesh is dense, UV has room for more.
    """
    q, p = vertices[triangles], places[triangles]
    first, second = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    doubled = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    doubled = np.where(np.abs(doubled) < 1e-14, 1e-14, doubled)[:, None]
    a, b = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]
    enlarged = np.linalg.norm(np.cross(a, b), axis=1, keepdims=True) ** -0.25
    a, b = a * enlarged, b * enlarged
    along_u = (a * second[:, 1:] - b * first[:, 1:]) / doubled
    along_v = (b * first[:, :1] - a * second[:, :1]) / doubled
    square = ((along_u**2).sum(axis=1) + (along_v**2).sum(axis=1)) / 2
    area = np.linalg.norm(np.cross(a, b), axis=1)
    around, surface = np.zeros(len(vertices)), np.zeros(len(vertices))
    np.add.at(around, triangles.ravel(), np.repeat(area * square, 3))
    np.add.at(surface, triangles.ravel(), np.repeat(area, 3))
    stretch = np.sqrt(around / surface)
    total = float(np.sqrt((area * square).sum() / area.sum()))
    return stretch / np.exp(np.log(stretch).mean()), total


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
