"""Where a head is put: what its matrix and the camera mean for its Gaussians."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import DGTalkerError
from .camera import Camera
from .cpu.placing import quaternion

_SIMILAR = 1e-5


class Placement(NamedTuple):
    """Where a head is put, as the kernels take it.

    Attributes:
        linear, offset: head space to world, float64 (3, 3), of any rank, and (3,).
        similar: whether `linear` turns and scales alike along all axes, and no more.
        turn: float64 (4,), if so, the quaternion of its rotation, wxyz; of -linear where that mirrors.
        scale: and its scale.
        eye: the camera in head space, float64 (3,); the direction it looks in where orthographic.
        orthographic: of the camera.
    """

    linear: np.ndarray
    offset: np.ndarray
    similar: bool
    turn: np.ndarray
    scale: float
    eye: np.ndarray
    orthographic: bool


def placement_of(matrix: np.ndarray, camera: Camera) -> Placement:
    """The placement by a matrix (4, 4), head space to world, that a camera in the world sees.

    Raises:
        DGTalkerError: the matrix is not affine, or not finite.
    """
    matrix = np.array(matrix, np.float64)
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)) or not np.allclose(matrix[3], (0, 0, 0, 1)):
        raise DGTalkerError("A head's matrix has 4 × 4 finite numbers, the last row 0, 0, 0, 1.")
    linear, offset = matrix[:3, :3].copy(), matrix[:3, 3].copy()
    square = linear.T @ linear
    scale = float(np.sqrt(np.trace(square) / 3))
    similar = scale > 0 and bool(np.abs(square - scale**2 * np.eye(3)).max() <= _SIMILAR * scale**2)
    turn = np.zeros(4)
    if similar:
        # A Gaussian is its own mirror image through its centre, so -M serves as well as M where M mirrors.
        turn = np.array(quaternion(linear / scale * np.sign(np.linalg.det(linear))))

    # The pseudo-inverse: a head that is scaled to 0 along an axis still has colours.
    inverse = np.linalg.pinv(linear)
    world_to_camera = np.asarray(camera.world_to_camera, np.float64)
    rotation, translation = world_to_camera[:3, :3], world_to_camera[:3, 3]
    position = -np.linalg.solve(rotation, translation)
    eye = inverse @ (rotation[2] if camera.orthographic else position - offset)
    return Placement(
        linear=linear,
        offset=offset,
        similar=similar,
        turn=turn,
        scale=scale,
        eye=eye,
        orthographic=bool(camera.orthographic),
    )
