"""Half of a symmetric mesh, simplified by collapsing edges; the other half is its mirror image.

Garland and Heckbert's quadrics ("Surface simplification using quadric error metrics", 1997) in several shapes of the
face at once, so that what is flat at rest and folds in motion keeps its edges. Edges collapse onto one of their ends:
the vertices that are left are vertices of the source, and so every shape of the source is one of the result.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

_LEAST_TURN = 0.3
"""Cosine between a triangle's normals before and after."""
_LEAST_SHAPE = 0.12
"""Of a triangle: 4√3 · area / sum of the squared sides, 1 when equilateral."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Vertices of the source by number (V,), and triangles of positions in that list (F, 3)."""

    kept: np.ndarray
    triangles: np.ndarray


def decimate(
    shapes: np.ndarray,
    triangles: np.ndarray,
    *,
    target: int,
    spacing: np.ndarray,
    fixed: np.ndarray,
    evenness: float,
) -> Mesh:
    """Simplifies until `target` vertices are left, or no edge can collapse.

    Args:
        shapes: the mesh in several shapes (S, N, 3), metres; the first is the one at rest.
        triangles: of a manifold with boundary (M, 3).
        target: how many vertices to leave.
        spacing: how far apart vertices are wanted, by vertex (N,), metres.
        fixed: whether a vertex must stay (N,).
        evenness: how much edges of the wanted length count beside the distance of surfaces.
    """
    return _Collapsing(shapes, triangles, spacing, fixed, evenness).run(target)


class _Collapsing:
    def __init__(
        self, shapes: np.ndarray, triangles: np.ndarray, spacing: np.ndarray, fixed: np.ndarray, evenness: float
    ) -> None:
        self.points = np.ascontiguousarray(shapes.transpose(1, 0, 2))  # (N, S, 3)
        self.rest = shapes[0]
        self.triangles = {i: tuple(int(v) for v in t) for i, t in enumerate(triangles)}
        self.around: dict[int, set[int]] = {}
        for i, triangle in self.triangles.items():
            for vertex in triangle:
                self.around.setdefault(vertex, set()).add(i)
        self.spacing, self.fixed, self.evenness = spacing, fixed, evenness
        self.boundary = self._boundary()
        self.quadrics, self.areas = self._quadrics(triangles)
        self.version = dict.fromkeys(self.around, 0)

    def _boundary(self) -> set[int]:
        count: dict[tuple[int, int], int] = {}
        for a, b, c in self.triangles.values():
            for edge in ((a, b), (b, c), (c, a)):
                key = (min(edge), max(edge))
                count[key] = count.get(key, 0) + 1
        return {vertex for edge, n in count.items() if n == 1 for vertex in edge}

    def _quadrics(self, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each vertex in each shape (N, S, 4, 4), planes weighted by area, and its area at rest (N,)."""
        a, b, c = (self.points[triangles[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        normals /= np.maximum(length, 1e-12)
        planes = np.concatenate([normals, -(normals * a).sum(-1, keepdims=True)], axis=-1)
        products = planes[..., :, None] * planes[..., None, :] * (length[..., None] / 6)
        quadrics = np.zeros((len(self.points), *products.shape[1:]))
        areas = np.zeros(len(self.points))
        for k in range(3):
            np.add.at(quadrics, triangles[:, k], products)
            np.add.at(areas, triangles[:, k], length[:, 0, 0] / 6)
        return quadrics, areas

    def run(self, target: int) -> Mesh:
        heap: list[tuple[float, int, int, int, int]] = []
        for vertex in list(self.around):
            self._push(heap, vertex)
        while len(self.around) > target and heap:
            _, source, onto, source_version, onto_version = heapq.heappop(heap)
            if source not in self.around or onto not in self.around:
                continue
            if (self.version[source], self.version[onto]) != (source_version, onto_version):
                continue
            if self._allowed(source, onto):
                self._collapse(source, onto)
                for vertex in self._neighbours(onto):
                    self.version[vertex] += 1
                self.version[onto] += 1
                for vertex in (*self._neighbours(onto), onto):
                    self._push(heap, vertex)
        kept = np.array(sorted(self.around), np.int64)
        index = {int(vertex): i for i, vertex in enumerate(kept)}
        faces = [[index[vertex] for vertex in triangle] for triangle in self.triangles.values()]
        return Mesh(kept=kept, triangles=np.array(faces, np.int64).reshape(-1, 3))

    def _push(self, heap: list[tuple[float, int, int, int, int]], source: int) -> None:
        """All ways to collapse `source`, by cost."""
        if self.fixed[source]:
            return
        others = list(self._neighbours(source))
        points = self.points[others]
        homogeneous = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)
        distance = np.einsum("nsi,sij,nsj->n", homogeneous, self.quadrics[source], homogeneous) / points.shape[1]
        length = ((self.rest[others] - self.rest[source]) ** 2).sum(axis=1)
        cost = (distance + self.evenness * self.areas[source] * length) / self.spacing[source] ** 4
        for other, value in zip(others, cost.tolist(), strict=True):
            heapq.heappush(heap, (value, source, other, self.version[source], self.version[other]))

    def _neighbours(self, vertex: int) -> set[int]:
        return {other for i in self.around[vertex] for other in self.triangles[i]} - {vertex}

    def _allowed(self, source: int, onto: int) -> bool:
        """Whether the surface stays a manifold, its boundary in place, and no triangle turns over or becomes thin."""
        near_source, near_onto = self._neighbours(source), self._neighbours(onto)
        shared = self.around[source] & self.around[onto]
        if len(near_source & near_onto) != len(shared):
            return False
        if source in self.boundary and (onto not in self.boundary or len(shared) != 1):
            return False
        if onto in self.boundary and source not in self.boundary:
            chords = (near_source & self.boundary) - near_onto - {onto}
            if chords:  # an edge between two places of the boundary would be there twice after mirroring
                return False
        if len(near_source | near_onto) - 2 < 3:
            return False
        moved = [self.triangles[i] for i in self.around[source] - shared]
        if not moved:
            return False
        before = self.points[np.array(moved)]
        after = self.points[np.array([[onto if v == source else v for v in t] for t in moved])]
        return _keeps_shape(before, after)

    def _collapse(self, source: int, onto: int) -> None:
        for i in self.around.pop(source):
            triangle = self.triangles[i]
            if onto in triangle:
                for vertex in triangle:
                    if vertex != source:
                        self.around[vertex].discard(i)
                del self.triangles[i]
            else:
                self.triangles[i] = tuple(onto if vertex == source else vertex for vertex in triangle)
                self.around[onto].add(i)
        self.quadrics[onto] += self.quadrics[source]
        self.areas[onto] += self.areas[source]


def _keeps_shape(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether triangles (n, 3, S, 3) keep their side in every shape, and are not thin at rest."""
    old = np.cross(before[:, 1] - before[:, 0], before[:, 2] - before[:, 0])
    new = np.cross(after[:, 1] - after[:, 0], after[:, 2] - after[:, 0])
    length = np.linalg.norm(new, axis=-1)
    if ((old * new).sum(-1) < _LEAST_TURN * np.linalg.norm(old, axis=-1) * length).any():
        return False
    rest = after[:, :, 0]
    sides = sum(((rest[:, k] - rest[:, k - 1]) ** 2).sum(-1) for k in range(3))
    return bool((2 * 3**0.5 * length[:, 0] > _LEAST_SHAPE * sides).all())
