"""Evenly spread points on implicit surfaces, denser where it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree

from . import sdf

SHELL = 1.0  # mm: candidates start within this distance of the surface
CELL = 5.0  # mm: cubes away from the surface are left out
BATCH = 1_000_000
CROWDING = 5.0  # candidates for each point that is kept, about


def on_surface(
    form: np.ndarray,
    box: tuple[tuple[float, float, float], tuple[float, float, float]],
    spacing: Callable[[np.ndarray], np.ndarray],
    finest: float,
    rng: np.random.Generator,
    mirrored: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (N, 3) on a form within a box, their normals (N, 3) and spacings (N,).

    Candidates fill a thin shell about the surface, fall onto it, and are thinned until no two are nearer than
    `spacing`, which is nowhere below `finest`; where it is not positive there are none. With `mirrored` only x > 0 is
    filled, keeping from the plane of symmetry.
    """
    low, high = np.array(box[0], float), np.array(box[1], float)
    if mirrored:
        low[0] = 0.0
    cells = _cells(form, low, high)
    rate = CROWDING / finest**2  # candidates per mm² of surface
    total = int(rate * len(cells) * CELL**3 / (2 * SHELL))
    kept = []
    for start in range(0, total, BATCH):
        count = min(BATCH, total - start)
        candidates = cells[rng.integers(len(cells), size=count)] + rng.random((count, 3)) * CELL
        candidates = candidates[np.all((candidates > low) & (candidates < high), axis=1)]
        distance = sdf.distances(form, candidates)
        candidates = candidates[np.abs(distance) < SHELL]
        wanted = spacing(candidates)
        chance = np.where(wanted > 0, (finest / np.maximum(wanted, finest)) ** 2, 0)
        kept.append(candidates[rng.random(len(candidates)) < chance])
    points = np.concatenate(kept)
    for _ in range(4):
        normal = sdf.normals(form, points)
        points = points - sdf.distances(form, points)[:, None] * normal
    wanted = spacing(points)
    good = (wanted > 0) & (np.abs(sdf.distances(form, points)) < 0.05)
    if mirrored:
        good &= points[:, 0] > 0.3 * wanted
    points, wanted = points[good], wanted[good]
    chosen = thin(points, wanted)
    return points[chosen], sdf.normals(form, points[chosen]), wanted[chosen]


def _cells(form: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Low corners (C, 3) of the cubes that the surface may pass through."""
    axes = [np.arange(a, b, CELL) for a, b in zip(low, high, strict=True)]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    # half the diagonal, and something for ellipsoids, whose distances are not exact
    return corners[np.abs(sdf.distances(form, corners + CELL / 2)) < CELL * 1.2 + SHELL]


def thin(points: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Indices of points of which no two are nearer than their `spacing`, the first ones first (dart throwing)."""
    tree = KDTree(points)
    alive = np.ones(len(points), bool)
    for start in range(0, len(points), 4096):
        block = np.arange(start, min(start + 4096, len(points)))
        block = block[alive[block]]
        near = tree.query_ball_point(points[block], spacing[block] * 0.999)
        for i, neighbours in zip(block, near, strict=True):
            if alive[i]:
                alive[neighbours] = False
                alive[i] = True
    return np.flatnonzero(alive)
