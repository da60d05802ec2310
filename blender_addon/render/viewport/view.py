"""A 3D view's matrices as a Shot's camera: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dgtalker_engine.wire.moments import ShotCamera

from ..camera import rigid

FARTHEST_BEHIND = 1000.0
"""Metres by which a parallel view is moved back: it also shows what lies behind its own place. Farther would cost depth
its precision."""
_FAR = 1e6
"""Metres; float32 matrices say little of planes that are farther."""


@dataclass(frozen=True)
class View:
    """What a region of a 3D view shows.

    Attributes:
        width, height: pixels.
        camera: rigid.
        world_to_view: 16 numbers, row by row: OpenCV's camera space, the view's shear included.
        shear: what a Shot puts before the world, 16 numbers row by row; None for a rigid view.
    """

    width: int
    height: int
    camera: ShotCamera
    world_to_view: tuple[float, ...]
    shear: tuple[float, ...] | None = None


def view_of(window_matrix: np.ndarray, view_matrix: np.ndarray, width: int, height: int) -> View:
    """The view of a region.

    Args:
        window_matrix: (4, 4), from view space to clip space, as Blender has it.
        view_matrix: (4, 4), from the world to view space.
        width, height: of the region, pixels.
    """
    P = np.array(window_matrix, np.float64)
    focal = float(width / 2 * P[0, 0]), float(height / 2 * P[1, 1])
    world_to_view = np.diag([1.0, -1.0, -1.0, 1.0]) @ np.array(view_matrix, np.float64)
    orthographic = bool(P[3, 3] == 1.0)
    if orthographic:
        near, far = (P[2, 3] + 1) / P[2, 2], (P[2, 3] - 1) / P[2, 2]
        back = min(max(0.0, -near), FARTHEST_BEHIND)
        world_to_view[2, 3] += back
        near, far = max(0.0, near + back), far + back
        centre = width / 2 * (1 + P[0, 3]), height / 2 * (1 - P[1, 3])
    else:
        near = P[2, 3] / (P[2, 2] - 1)
        far = P[2, 3] / (P[2, 2] + 1) if P[2, 2] < -1 else _FAR
        centre = width / 2 * (1 - P[0, 2]), height / 2 * (1 + P[1, 2])
    matrix, shear = rigid(world_to_view)
    camera = ShotCamera(
        K=(focal[0], 0.0, float(centre[0]), 0.0, focal[1], float(centre[1]), 0.0, 0.0, 1.0),
        world_to_camera=_numbers(matrix),
        orthographic=orthographic,
        near=float(near),
        far=float(min(max(far, 2 * near), _FAR)),
    )
    return View(width, height, camera, _numbers(world_to_view), None if shear is None else _numbers(shear))


def scaled(camera: ShotCamera, across: float, down: float) -> ShotCamera:
    """The camera of a picture with other pixels: as many times as wide and high."""
    fx, _, cx, _, fy, cy, *_ = camera.K
    return ShotCamera(
        K=(fx * across, 0.0, cx * across, 0.0, fy * down, cy * down, 0.0, 0.0, 1.0),
        world_to_camera=camera.world_to_camera,
        orthographic=camera.orthographic,
        near=camera.near,
        far=camera.far,
    )


def _numbers(matrix: np.ndarray) -> tuple[float, ...]:
    return tuple(matrix.ravel().tolist())
