"""Surfels to Gaussians: discs, and how each control moves and turns them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ...avatar.sparse import SparseDeltas
from ...gaussians.constants import SH_C0
from .anatomy import slit_z
from .colour_deltas import colour_delta
from .deform import CORRECTIVES, MIX, POSES, RIG, Strengths, posed
from .deformation_fields import FieldPoints
from .surfels import Part, Surfels, unit
from .warp import Warp

STILL = 1e-4  # mm
STEP = 0.25  # mm, for differences across a disc
STAYS_ROUND = 1.25
THIN = 0.12  # thickness over the smaller width of a disc
MM = 1e-3
MEANS_THRESHOLD = 1.2e-4  # m
QUATS_THRESHOLD = 0.055
SCALES_THRESHOLD = 1.9e-4  # m
COLOURS_THRESHOLD = 0.012  # sRGB


def base_arrays(surfels: Surfels) -> dict[str, np.ndarray]:
    """The cloud at rest, as `LinearAvatar.base` wants it."""
    colour = np.clip(surfels.colour, 0, 1)
    return {
        "means": (surfels.position * MM).astype(np.float32),
        "quats": quaternions(surfels.along, np.cross(surfels.normal, surfels.along)),
        "scales": _scales(surfels.size, surfels.size.min(axis=1) * THIN),
        "opacities": surfels.opacity.astype(np.float32),
        "sh": ((colour - 0.5) / SH_C0)[:, None].astype(np.float32),
    }


def deltas(surfels: Surfels, base: dict[str, np.ndarray], warp: Warp) -> dict[str, SparseDeltas]:
    """What every control and corrective adds to means, rotations, sizes and colours.

    Args:
        surfels: in the sculpture's space, where the controls are made.
        base: `base_arrays` of `warp.surfels(surfels)`.
        warp: to the character's space.
    """
    placed = warp.surfels(surfels)
    points = field_points(surfels)
    changes = np.zeros((len(POSES), len(surfels), 10), np.float32)
    for pose, change in zip(POSES, changes, strict=True):
        rows = np.flatnonzero(np.abs(posed(pose, points)).max(axis=1) > STILL)
        change[rows] = _change(pose, surfels.select(rows), placed.select(rows), base["quats"][rows], warp)
    moved, turned, sized = np.split(np.tensordot(MIX.astype(np.float32), changes, 1), (3, 7), axis=2)
    return {
        "means": SparseDeltas.from_dense(moved, MEANS_THRESHOLD),
        "quats": SparseDeltas.from_dense(turned, QUATS_THRESHOLD),
        "scales": SparseDeltas.from_dense(sized, SCALES_THRESHOLD),
        "sh": _colour_deltas(surfels, points),
    }


def _colour_deltas(surfels: Surfels, points: FieldPoints) -> SparseDeltas:
    """What the controls add to the constant spherical harmonics."""
    dense = np.zeros((len(RIG.names) + len(CORRECTIVES), len(surfels), 3), np.float32)
    for name, change in zip(RIG.names, dense, strict=False):
        added = colour_delta(name, points)
        if added is not None:
            change[:] = added * np.clip(surfels.colour, 0, 1) / SH_C0
    return SparseDeltas.from_dense(dense, COLOURS_THRESHOLD / SH_C0)


def _change(pose: Strengths, surfels: Surfels, placed: Surfels, quats: np.ndarray, warp: Warp) -> np.ndarray:
    """What a pose changes of mean, quaternion and scales, (N, 10)."""
    along = surfels.along
    across = np.cross(surfels.normal, along)
    rest_first, rest_second = _frame(warp, surfels, along, across)[2:]
    shift = posed(pose, field_points(surfels))
    moving = surfels.select(np.arange(len(surfels)))
    moving.position = surfels.position + shift
    new_along, new_across, first, second = _frame(
        warp, moving, _slope(pose, surfels, shift, along), _slope(pose, surfels, shift, across)
    )
    stretch = np.clip(np.stack([first / rest_first, second / rest_second], axis=1), 0.5, 2.4)
    # a round disc that stays round need not turn about its own normal, only with it
    plain = (stretch.max(axis=1) < STAYS_ROUND * stretch.min(axis=1)) & (placed.size[:, 0] == placed.size[:, 1])
    normal = unit(np.cross(new_along, new_across))
    tilted = placed.along - (placed.along * normal).sum(axis=1, keepdims=True) * normal
    axis = np.where(plain[:, None], tilted, new_along)
    turned = quaternions(axis, np.cross(normal, axis))
    turned *= np.sign((turned * quats).sum(axis=1, keepdims=True) + 1e-12)
    thickness = placed.size.min(axis=1) * THIN
    sized = _scales(placed.size * stretch, thickness) - _scales(placed.size, thickness)
    moved = (warp.move(moving.position, surfels.part) - placed.position) * MM
    return np.concatenate([moved, turned - quats, sized], axis=1)


def field_points(surfels: Surfels) -> FieldPoints:
    return FieldPoints(surfels.position, surfels.anchor, surfels.part, surfels.side)


def _frame(
    warp: Warp, surfels: Surfels, along: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the warp makes of a disc's two axes, and how long they are: the second across the first."""
    along = warp.turn(surfels.position, along, surfels.part)
    across = warp.turn(surfels.position, across, surfels.part)
    first = np.linalg.norm(along, axis=1)
    second = np.linalg.norm(np.cross(along, across), axis=1) / np.maximum(first, 1e-9)
    return along, across, first, second


def _slope(pose: Strengths, surfels: Surfels, shift: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """How `direction` changes as the pose moves the surface, (N, 3): a difference that stays on its own lip."""
    skin = np.linalg.norm(surfels.anchor - surfels.position, axis=1) < 1e-9
    inner = surfels.part == Part.INNER_LIP
    carried = np.where(skin[:, None], 1.0, np.where(inner[:, None], [1.0, 0.0, 1.0], 0.0))
    step = STEP * direction
    moved = surfels.anchor + step
    crosses = (surfels.anchor[:, 2] > slit_z(surfels.anchor[:, 0])) != (moved[:, 2] > slit_z(moved[:, 0]))
    step = np.where(crosses[:, None], -step, step)
    points = FieldPoints(surfels.position + step, surfels.anchor + carried * step, surfels.part, surfels.side)
    change = (posed(pose, points) - shift) / STEP
    return direction + np.where(crosses[:, None], -change, change)


def quaternions(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """wxyz float32 (N, 4) of the frames whose first axis is `along` and whose second lies towards `across`."""
    first = unit(along)
    third = unit(np.cross(first, across))
    second = np.cross(third, first)
    frames = Rotation.from_matrix(np.stack([first, second, third], axis=2))
    return frames.as_quat(scalar_first=True).astype(np.float32)


def _scales(size: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    return (np.concatenate([size, thickness[:, None]], axis=1) * MM).astype(np.float32)
