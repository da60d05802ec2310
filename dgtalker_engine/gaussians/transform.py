"""Heads in the world: placing clouds by a matrix, and putting several into one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import DGTalkerError
from .camera import Camera
from .cloud import Gaussians
from .cpu import workers
from .cpu.axes import map_shapes, quaternion, see_colours

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
    linear = matrix[:3, :3]
    means = gaussians.means @ _tensor(linear.T) + _tensor(matrix[:3, 3])
    quats, scales = _shapes(gaussians, linear)
    sh = gaussians.sh if gaussians.sh.shape[1] == 1 else _seen(gaussians, matrix, camera)
    return Gaussians(means, quats, scales, gaussians.opacities, sh)


def merged(clouds: Sequence[Gaussians]) -> Gaussians:
    """One cloud of several, in their order; the spherical harmonics of the highest degree among them."""
    if len(clouds) == 1:
        return clouds[0]
    count = max((cloud.sh.shape[1] for cloud in clouds), default=1)
    padded = [torch.nn.functional.pad(cloud.sh, (0, 0, 0, count - cloud.sh.shape[1])) for cloud in clouds]

    def joined(name: str, *shape: int) -> torch.Tensor:
        return torch.cat([torch.empty(0, *shape), *(getattr(cloud, name) for cloud in clouds)])

    return Gaussians(
        joined("means", 3),
        joined("quats", 4),
        joined("scales", 3),
        joined("opacities"),
        torch.cat([torch.empty(0, count, 3), *padded]),
    )


def _shapes(gaussians: Gaussians, linear: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Quaternions and scales of M Σ Mᵀ."""
    square = linear.T @ linear
    scale = np.sqrt(np.trace(square) / 3)
    if scale > 0 and np.abs(square - scale**2 * np.eye(3)).max() <= _SIMILAR * scale**2:
        # A Gaussian is its own mirror image through its centre, so -M serves as well as M where M mirrors.
        rotation = linear / scale * np.sign(np.linalg.det(linear))
        return _turned(quaternion(np.ascontiguousarray(rotation)), gaussians.quats), gaussians.scales * float(scale)
    arrays = [np.ascontiguousarray(tensor.detach().numpy()) for tensor in (gaussians.quats, gaussians.scales)]
    mapped = [np.empty_like(array) for array in arrays]
    workers.run(
        workers.thread_count(), map_shapes, np.ascontiguousarray(linear), *arrays, *mapped, np.zeros(1, np.int64)
    )
    return torch.from_numpy(mapped[0]), torch.from_numpy(mapped[1])


def _turned(by: tuple[float, float, float, float], quats: torch.Tensor) -> torch.Tensor:
    """The quaternion product by · quats, wxyz."""
    w, x, y, z = by
    left = _tensor(np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]]))
    return quats @ left.T


def _seen(gaussians: Gaussians, matrix: np.ndarray, camera: Camera) -> torch.Tensor:
    """The colours that the camera sees, as spherical harmonics of degree 0: (N, 1, 3)."""
    # The pseudo-inverse: a head that is scaled to 0 along an axis still has colours.
    inverse = np.linalg.pinv(matrix[:3, :3])
    rotation = np.array(camera.world_to_camera, np.float64)[:3, :3]
    if camera.orthographic:
        eye = inverse @ rotation[2]
    else:
        eye = inverse @ (-np.linalg.solve(rotation, camera.world_to_camera[:3, 3]) - matrix[:3, 3])
    means, sh = (np.ascontiguousarray(tensor.detach().numpy()) for tensor in (gaussians.means, gaussians.sh))
    seen = np.empty((len(means), 1, 3), np.float32)
    counter = np.zeros(1, np.int64)
    workers.run(
        workers.thread_count(), see_colours, means, sh, np.ascontiguousarray(eye), camera.orthographic, seen, counter
    )
    return torch.from_numpy(seen)


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
