"""A surface laid flat without a seam, for the UV of a face model and the layout of a generator's planes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

_ROUNDS = 12

Outline = Callable[[np.ndarray], np.ndarray]
"""Where a boundary lies: its vertices in order, from the foremost on (n, 3) → (n, 2)."""


def circle(boundary: np.ndarray) -> np.ndarray:
    """The unit circle, from its lowest point on, in equal steps."""
    angles = 2 * np.pi * np.arange(len(boundary)) / len(boundary)
    return np.stack([np.sin(angles), -np.cos(angles)], axis=1)


def components(count: int, triangles: np.ndarray) -> tuple[int, np.ndarray]:
    """How many parts a mesh of so many vertices has that do not hang together, and the number of each vertex's."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    number, labels = connected_components(graph, directed=False)
    return number, labels


def flatten(
    vertices: np.ndarray, triangles: np.ndarray, outline: Outline, density: np.ndarray | None = None
) -> np.ndarray:
    """Tutte's embedding ("How to draw a graph", 1963) of one component: (n, 3) → (n, 2).

    Its longest boundary lies on the outline, every other vertex at a mean of its neighbours; so every triangle keeps
    its side. A component without boundary is opened around its last vertex, whose triangles then have no surface.
    The means' weights follow Yoshizawa, Belyaev and Seidel, "A fast and simple stretch-minimizing mesh
    parameterization" (2004): a neighbour whose triangles are stretched pulls less, as long as that makes the whole
    less stretched.

    Args:
        vertices: (n, 3).
        triangles: (m, 3).
        outline: a convex one.
        density: how much room a triangle should have for its surface, relative to the others (m,); None: more where
            the mesh is dense.
    """
    count = len(vertices)
    loop = _longest_boundary(triangles)
    front = int(np.argmin(vertices[loop, 1])) if loop else 0
    loop = loop[front:] + loop[:front]
    closed = not loop
    if closed:
        loop = _longest_boundary(triangles[(triangles != count - 1).all(axis=1)])
    places = outline(vertices[loop])
    if closed:
        loop, places = [*loop, count - 1], np.concatenate([places, places[:1]])
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    weights = np.ones(len(edges))
    fixed = places
    best, least = _solve(edges, weights, loop, fixed, count), np.inf
    places = best
    for _ in range(_ROUNDS):
        stretch, total = _stretch(vertices, places, triangles, density)
        if total >= least:
            break
        best, least = places, total
        weights = weights / np.sqrt(stretch[edges[:, 1]])
        places = _solve(edges, weights, loop, fixed, count)
    return best


def _solve(edges: np.ndarray, weights: np.ndarray, loop: list[int], fixed: np.ndarray, count: int) -> np.ndarray:
    """Every vertex that is not of the loop at the weighted mean of its neighbours (count, 2)."""
    places = np.zeros((count, 2))
    places[loop] = fixed
    matrix = sparse.coo_matrix((weights, (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    laplacian = sparse.csr_matrix(sparse.diags(np.asarray(matrix.sum(axis=1)).ravel()) - matrix)
    free = np.setdiff1d(np.arange(count), loop)
    solution = spsolve(laplacian[free][:, free].tocsc(), -(laplacian[free][:, loop] @ fixed))
    places[free] = np.asarray(solution).reshape(len(free), 2)
    return places


def _stretch(
    vertices: np.ndarray, places: np.ndarray, triangles: np.ndarray, density: np.ndarray | None
) -> tuple[np.ndarray, float]:
    """How much surface lies on a piece of UV: of each vertex about its mean (n,), and all in all.

    Sander et al., "Texture mapping progressive meshes" (2001): the L² norm of the Jacobian from UV to the surface.
    Without a density small triangles count as larger than they are: where the mesh is dense, UV has room for more.
    """
    q, p = vertices[triangles], places[triangles]
    first, second = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    doubled = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    doubled = np.where(np.abs(doubled) < 1e-14, 1e-14, doubled)[:, None]
    a, b = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]
    if density is None:
        enlarged = np.linalg.norm(np.cross(a, b), axis=1, keepdims=True) ** -0.25
    else:
        enlarged = np.sqrt(density)[:, None]
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
