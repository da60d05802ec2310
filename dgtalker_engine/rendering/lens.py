"""Depth of field: the heads through many points of a camera's aperture, each of which sees them sharp.

A camera that stands in another point of the aperture, and is shifted so that the plane of focus stays where it is in
the picture, sees what is before and behind that plane elsewhere. The mean of many of them is the picture through a thin
lens (Cook, Porter and Carpenter, Distributed Ray Tracing, 1984), whatever hides what.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..gaussians import Camera, Gaussians
from ..gaussians.arrays import array_of
from ..wire import ShotLens

SPACING = 2.0
"""Pixels between neighbouring points of the aperture, as far as their pictures of one Gaussian lie apart."""
_SHARP = 0.7
"""Pixels, of a circle of confusion that nobody sees."""
_LEAST, _MOST = 16, 256
"""Points of an aperture."""
_OUTLIERS = 0.01
"""Part of the Gaussians that may be blurred more than what decides how many points there are."""
_R2 = np.array([0.7548776662466927, 0.5698402909980532])
"""Roberts, The Unreasonable Effectiveness of Quasirandom Sequences, 2018: 1/ρ and 1/ρ² of the plastic ratio ρ."""


def aperture_points(lens: ShotLens, first: int, count: int) -> np.ndarray:
    """Points of an aperture, float64 (count, 2): metres to the right and down, as the camera looks.

    Args:
        lens: of a Shot.
        first: of a sequence that covers the aperture evenly; so does every stretch of it.
        count: how many.
    """
    numbers = (0.5 + _R2 * np.arange(first, first + count)[:, None]) % 1
    points = _disk(numbers) if lens.blades < 3 else _polygon(numbers, lens.blades, lens.rotation)
    return points * lens.radius * np.array([1 / lens.ratio, -1])


def circles_of_confusion(lens: ShotLens, camera: Camera, depth: np.ndarray) -> np.ndarray:
    """How wide and high (N, 2), pixels, what lies at planar depths (N,), metres, is in the picture if it is a point."""
    off = np.abs(depth / lens.focus - 1) / (1 if camera.orthographic else depth)
    wide, high = (float(camera.K[i][i]) * 2 * lens.radius / ratio for i, ratio in ((0, lens.ratio), (1, 1)))
    return off[:, None] * np.array([wide, high])


def point_count(lens: ShotLens, camera: Camera, cloud: Gaussians) -> int:
    """How many points of its aperture a camera needs for a smooth picture of a cloud; 1 where it is in focus."""
    matrix = np.asarray(camera.world_to_camera, np.float64)
    depth = array_of(cloud.means) @ matrix[2, :3] + matrix[2, 3]
    depth = depth[(depth > max(camera.near, 1e-6)) & (depth < camera.far)]
    if not len(depth):
        return 1
    ends = np.quantile(depth, (_OUTLIERS, 1 - _OUTLIERS))
    wide, high = circles_of_confusion(lens, camera, ends).max(0)
    if max(wide, high) < _SHARP:
        return 1
    area = np.pi / 4 * max(wide, _SHARP) * max(high, _SHARP)
    return int(np.clip(np.ceil(area / SPACING**2), _LEAST, _MOST))


def seen_through(lens: ShotLens, camera: Camera, point: np.ndarray) -> tuple[Camera, np.ndarray | None]:
    """The camera that stands in a point (2,) of the aperture, and what comes before it: an affine map (4, 4) of the
    world, or None. Parallel rays lean through the plane of focus, which no rigid camera sees."""
    matrix = np.asarray(camera.world_to_camera, np.float64)
    if camera.orthographic:
        lean = np.eye(4)
        lean[:2, 2], lean[:2, 3] = point / lens.focus, -point
        return camera, np.linalg.inv(matrix) @ lean @ matrix
    moved = matrix.copy()
    moved[:2, 3] -= point
    K = np.array(camera.K, np.float64)
    K[:2, 2] += K[[0, 1], [0, 1]] * point / lens.focus
    return replace(camera, K=K, world_to_camera=moved), None


def _disk(numbers: np.ndarray) -> np.ndarray:
    """The unit square onto the unit disk, keeping areas and neighbours (Shirley and Chiu 1997)."""
    x, y = 2 * numbers.T - 1
    wide = np.abs(x) > np.abs(y)
    radius = np.where(wide, x, y)
    angle = np.where(wide, y, x) / np.where(radius == 0, 1, radius) * np.pi / 4
    angle = np.where(wide, angle, np.pi / 2 - angle)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _polygon(numbers: np.ndarray, blades: int, rotation: float) -> np.ndarray:
    """The unit square onto a regular polygon whose corners lie on the unit circle, x to the right and y up."""
    corner = np.floor(numbers[:, 0] * blades)
    out = np.sqrt(numbers[:, 0] * blades - corner)
    along = numbers[:, 1] * out
    half = np.pi / blades
    x, y = out * np.cos(half), (2 * along - out) * np.sin(half)
    angle = rotation + 2 * half * corner
    return np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y], 1)
