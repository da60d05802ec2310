"""Points to Gaussians: discs, and how each control moves and turns them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ...rig import ARKIT_NAMES
from ..linear import SparseDeltas
from .deform import Tissue, displacement
from .points import Points, unit

C0 = 0.28209479177387814  # the constant spherical harmonic
STEP = 0.25  # mm, for differences across a disc
THIN = 0.12  # thickness over the smaller width of a disc
MM = 1e-3
MEANS_THRESHOLD = 5e-5  # m
QUATS_THRESHOLD = 0.03
SCALES_THRESHOLD = 1e-4  # m


def base_arrays(points: Points) -> dict[str, np.ndarray]:
    """The cloud at rest, as `LinearAvatar.base` wants it."""
    colour = np.clip(points.colour, 0, 1)
    return {
        "means": (points.position * MM).astype(np.float32),
        "quats": quaternions(points.along, np.cross(points.normal, points.along)),
        "scales": _scales(points.size, points.size.min(axis=1) * THIN),
        "opacities": points.opacity.astype(np.float32),
        "sh": ((colour - 0.5) / C0)[:, None].astype(np.float32),
    }


def deltas(points: Points, base: dict[str, np.ndarray]) -> dict[str, SparseDeltas]:
    """What every ARKit control adds to means, rotations and sizes."""
    along = points.along
    across = np.cross(points.normal, along)
    tissue = tissue_of(points)
    moved, turned, sized = [], [], []
    for name in ARKIT_NAMES:
        shift = displacement(name, tissue)
        new_along = along + (displacement(name, _shifted(points, along)) - shift) / STEP
        new_across = across + (displacement(name, _shifted(points, across)) - shift) / STEP
        quats = quaternions(new_along, new_across)
        quats *= np.sign((quats * base["quats"]).sum(axis=1, keepdims=True) + 1e-12)
        first = np.linalg.norm(new_along, axis=1)
        second = np.linalg.norm(np.cross(new_along, new_across), axis=1) / np.maximum(first, 1e-9)
        stretch = np.clip(np.stack([first, second], axis=1), 0.45, 2.6)
        scales = _scales(points.size * stretch, points.size.min(axis=1) * THIN)
        moved.append(shift * MM)
        turned.append(quats - base["quats"])
        sized.append(scales - base["scales"])
    return {
        "means": SparseDeltas.from_dense(np.stack(moved), MEANS_THRESHOLD),
        "quats": SparseDeltas.from_dense(np.stack(turned), QUATS_THRESHOLD),
        "scales": SparseDeltas.from_dense(np.stack(sized), SCALES_THRESHOLD),
    }


def tissue_of(points: Points) -> Tissue:
    return Tissue(points.position, points.anchor, points.part, points.side)


def _shifted(points: Points, direction: np.ndarray) -> Tissue:
    step = STEP * direction
    own = np.linalg.norm(points.anchor - points.position, axis=1, keepdims=True) < 1e-9
    return Tissue(points.position + step, points.anchor + np.where(own, step, 0), points.part, points.side)


def quaternions(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """wxyz float32 (N, 4) of the frames whose first axis is `along` and whose second lies towards `across`."""
    first = unit(along)
    third = unit(np.cross(first, across))
    second = np.cross(third, first)
    x, y, z, w = Rotation.from_matrix(np.stack([first, second, third], axis=2)).as_quat().T
    return np.stack([w, x, y, z], axis=1).astype(np.float32)


def _scales(size: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    return (np.concatenate([size, thickness[:, None]], axis=1) * MM).astype(np.float32)
