"""Heads in the world: placing clouds by a matrix, and putting several into one.

Clouds on the processor without gradients go through kernels, and without PyTorch's operations: after each of them its
threads wait busily for some milliseconds, and the renderer's threads would wait with them. Others stay tensors, on
their device and attached to their graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..errors import DGTalkerError
from ..kernels import thread_pool
from .arrays import CloudArrays, arrays_of, coloured_like, gaussians_of, stays_tensors
from .camera import Camera
from .cloud import FIELDS, Gaussians
from .cpu.placing import place
from .placement import placement_of
from .reference import placing as reference
from .reference.spherical_harmonics import basis


def placed(gaussians: Gaussians, matrix: np.ndarray, camera: Camera) -> Gaussians:
    """Puts a cloud into the world, with the colours that the camera sees.

    The covariance becomes M Σ Mᵀ for whatever linear part M the matrix has: turned, scaled (along each axis
    differently, or mirrored, too), sheared or flat. Colours that depend on the direction of view are evaluated here, in
    the space where they were learned, and stay as they are from then on.

    Args:
        gaussians: in head space.
        matrix: (4, 4), head space to world, affine, metres.
        camera: in the world.

    Returns:
        The cloud in the world, spherical harmonics of degree 0; on its device, and attached to its graph.

    Raises:
        DGTalkerError: for a matrix that is not finite and affine.
    """
    placement = placement_of(matrix, camera)
    if stays_tensors(gaussians):
        return reference.place(gaussians, placement)
    cloud = arrays_of(gaussians)
    result = coloured_like(cloud)
    thread_pool.run(thread_pool.thread_count(), place, placement, cloud, result, np.zeros(1, np.int64))
    return gaussians_of(result)


def moved(gaussians: Gaussians, matrix: np.ndarray) -> Gaussians:
    """`placed` for a cloud that goes on being seen from anywhere: its spherical harmonics turn with it.

    Of a matrix that stretches or shears, they follow the nearest rotation (the polar decomposition's), or the nearest
    reflection where it mirrors.

    Args:
        gaussians: on the processor, without gradients.
        matrix: (4, 4), affine, metres.

    Raises:
        DGTalkerError: for a matrix that is not finite and affine.
    """
    anywhere = Camera(K=np.eye(3), world_to_camera=np.eye(4), width=1, height=1)
    uncoloured = placed(replace(gaussians, sh=gaussians.sh[:, :1]), matrix, anywhere)
    left, _, right = np.linalg.svd(np.asarray(matrix, np.float64)[:3, :3])
    return replace(uncoloured, sh=_turned(gaussians.sh, torch.from_numpy(left @ right)))


def _turned(sh: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Coefficients (N, K, 3) of the same colours after an orthogonal turn (3, 3), which mixes those of one degree.

    Each degree's matrix is what the basis functions say of more directions than there are of them: Y(d) D = Y(Rᵀ d).
    """
    count = sh.shape[1]
    steps = torch.arange(32, dtype=torch.float64) + 0.5
    height, angle = 1 - steps / 16, steps * np.pi * (1 + 5**0.5)  # a Fibonacci lattice on the sphere
    radius = (1 - height**2).sqrt()
    directions = torch.stack([radius * angle.cos(), radius * angle.sin(), height], dim=1)
    after, before = basis(directions, count), basis(directions @ turn, count)
    turned = sh.clone()
    for first, last in ((1, 4), (4, 9), (9, 16)):
        if last <= count:
            mixing = torch.linalg.lstsq(after[:, first:last], before[:, first:last]).solution.to(sh.dtype)
            turned[:, first:last] = torch.einsum("kj,njc->nkc", mixing, sh[:, first:last])
    return turned


def merged(clouds: Sequence[Gaussians]) -> Gaussians:
    """One cloud of several, in their order; the spherical harmonics of the highest degree among them.

    Raises:
        DGTalkerError: the clouds are not on one device.
    """
    if len(clouds) == 1:
        return clouds[0]
    count = max((cloud.sh.shape[1] for cloud in clouds), default=1)
    if any(map(stays_tensors, clouds)):
        if len({cloud.means.device for cloud in clouds}) > 1:
            raise DGTalkerError("Heads on different devices cannot be rendered together.")
        fields = {name: [getattr(cloud, name) for cloud in clouds] for name in FIELDS}
        fields["sh"] = [torch.nn.functional.pad(sh, (0, 0, 0, count - sh.shape[1])) for sh in fields["sh"]]
        return Gaussians(**{name: torch.cat(tensors) for name, tensors in fields.items()})
    every = [arrays_of(cloud) for cloud in clouds]
    every = [each._replace(sh=np.pad(each.sh, ((0, 0), (0, count - each.sh.shape[1]), (0, 0)))) for each in every]
    shapes = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "sh": (count, 3)}
    nothing = CloudArrays(**{name: np.empty((0, *shape), np.float32) for name, shape in shapes.items()})
    return gaussians_of(CloudArrays(*(np.concatenate(arrays) for arrays in zip(nothing, *every, strict=True))))
