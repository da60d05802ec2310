"""Heads in the world: placing clouds by a matrix, and putting several into one.

On the processor, and without PyTorch's operations: after each of them its threads wait busily for some milliseconds,
and the renderer's threads would wait with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import DGTalkerError
from ..kernels import thread_pool
from .camera import Camera
from .cloud import Gaussians
from .cpu.placing import Placement, place, quaternion
from .cpu.view import Cloud
from .rendering import array_of

_SIMILAR = 1e-5


def placed(gaussians: Gaussians, matrix: np.ndarray, camera: Camera) -> Gaussians:
    """Puts a cloud into the world, with the colours that the camera sees.

    The covariance becomes M Σ Mᵀ for whatever linear part M the matrix has: turned, scaled (along each axis
    differently, or mirrored, too), sheared or flat. Colours that depend on the direction of view are evaluated here, in
    the space where they were learned, and stay as they are from then on.

    Args:
        gaussians: in head space, on the processor.
        matrix: (4, 4), head space to world, affine, metres.
        camera: in the world.

    Returns:
        The cloud in the world, spherical harmonics of degree 0.
    """
    matrix = np.array(matrix, np.float64)
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)) or not np.allclose(matrix[3], (0, 0, 0, 1)):
        raise DGTalkerError("A head's matrix has 4 × 4 finite numbers, the last row 0, 0, 0, 1.")
    cloud = Cloud(*(array_of(getattr(gaussians, name)) for name in Cloud._fields))
    settled = cloud.sh if cloud.sh.shape[1] == 1 else np.empty((len(cloud.sh), 1, 3), np.float32)
    result = Cloud(
        np.empty_like(cloud.means), np.empty_like(cloud.quats), np.empty_like(cloud.scales), cloud.opacities, settled
    )
    thread_pool.run(thread_pool.thread_count(), place, _placement(matrix, camera), cloud, result, np.zeros(1, np.int64))
    return _gaussians(result)


def merged(clouds: Sequence[Gaussians]) -> Gaussians:
    """One cloud of several, in their order; the spherical harmonics of the highest degree among them."""
    if len(clouds) == 1:
        return clouds[0]
    count = max((cloud.sh.shape[1] for cloud in clouds), default=1)
    parts = [Cloud(*(array_of(getattr(cloud, name)) for name in Cloud._fields)) for cloud in clouds]
    parts = [part._replace(sh=np.pad(part.sh, ((0, 0), (0, count - part.sh.shape[1]), (0, 0)))) for part in parts]
    nothing = Cloud(*(np.empty((0, *shape), np.float32) for shape in ((3,), (4,), (3,), (), (count, 3))))
    return _gaussians(Cloud(*(np.concatenate(arrays) for arrays in zip(nothing, *parts, strict=True))))


def _placement(matrix: np.ndarray, camera: Camera) -> Placement:
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
    return Placement(linear, offset, similar, turn, scale, eye, bool(camera.orthographic))


def _gaussians(cloud: Cloud) -> Gaussians:
    return Gaussians(**{name: torch.from_numpy(array) for name, array in cloud._asdict().items()})
