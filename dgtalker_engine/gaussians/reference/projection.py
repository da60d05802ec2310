"""Gaussians in the world → ellipses in the picture: EWA splatting, Σ' = J W Σ Wᵀ Jᵀ + 0.3 I (see cpu/projection.py)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from ..camera import Camera
from ..cloud import Gaussians
from ..constants import ALPHA_THRESHOLD, EPS2D, FRUSTUM_MARGIN
from .spherical_harmonics import colours


@dataclass(frozen=True, kw_only=True)
class Ellipses:
    """M Gaussians in the picture, tensors of the cloud's type.

    Attributes:
        centres: (M, 2), pixels.
        covariances: (M, 2, 2), square pixels.
        opacities: (M,).
        colours: (M, 3).
        depths: (M,), metres.
    """

    centres: torch.Tensor
    covariances: torch.Tensor
    opacities: torch.Tensor
    colours: torch.Tensor
    depths: torch.Tensor

    def front_to_back(self) -> Ellipses:
        """The nearest first. Depths are compared as float32, as the kernels do, to find the same ties."""
        return self[torch.argsort(self.depths.detach().float(), stable=True)]

    def __getitem__(self, chosen: torch.Tensor) -> Ellipses:
        return Ellipses(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def project(gaussians: Gaussians, camera: Camera) -> Ellipses:
    """Those M of N Gaussians that may be seen, in the order of the cloud."""
    ellipses = project_all(gaussians, camera)
    return ellipses[drawn(ellipses, camera)]


def drawn(ellipses: Ellipses, camera: Camera) -> torch.Tensor:
    """Whether each of them may be seen: bool (M,)."""
    seen = (ellipses.depths >= camera.near) & (ellipses.depths <= camera.far) & (ellipses.opacities >= ALPHA_THRESHOLD)
    return seen if camera.orthographic else seen & (ellipses.depths > 0)


def project_all(gaussians: Gaussians, camera: Camera) -> Ellipses:
    """All N of them, seen or not; whatever lies in the plane of a pinhole or behind it has values without meaning."""
    means = gaussians.means

    def like_means(values: object) -> torch.Tensor:
        return torch.from_numpy(np.array(values, np.float64)).to(means)

    world_to_camera, K = np.asarray(camera.world_to_camera, np.float64), np.asarray(camera.K, np.float64)
    rotation, focal, middle = like_means(world_to_camera[:3, :3]), like_means(np.diag(K)[:2]), like_means(K[:2, 2])
    points = means @ rotation.T + like_means(world_to_camera[:3, 3])
    depths = points[:, 2]

    zero = torch.zeros_like(depths)
    if camera.orthographic:
        centres = focal * points[:, :2] + middle
        along = [zero + focal[0], zero, zero, zero, zero + focal[1], zero]
        directions = rotation[2].expand_as(means)
    else:
        safe = torch.where(depths > 0, depths, 1)
        size = like_means([camera.width, camera.height])
        margin = FRUSTUM_MARGIN * size / focal
        slopes = torch.clamp(points[:, :2] / safe[:, None], -middle / focal - margin, (size - middle) / focal + margin)
        centres = focal * points[:, :2] / safe[:, None] + middle
        (fx, fy), (x, y) = focal, slopes.T
        along = [fx / safe, zero, -fx * x / safe, zero, fy / safe, -fy * y / safe]
        directions = means + like_means(np.linalg.solve(world_to_camera[:3, :3], world_to_camera[:3, 3]))
    jacobian = torch.stack(along, dim=1).reshape(-1, 2, 3)

    axes = rotation_matrices(gaussians.quats) * gaussians.scales[:, None, :]
    half = jacobian @ rotation @ axes
    sharp = half @ half.mT
    covariances = sharp + EPS2D * torch.eye(2).to(means)
    compensations = torch.sqrt(torch.linalg.det(sharp).clamp(min=1e-30) / torch.linalg.det(covariances))
    return Ellipses(
        centres=centres,
        covariances=covariances,
        opacities=gaussians.opacities * compensations,
        colours=colours(directions, gaussians.sh),
        depths=depths,
    )


def rotation_matrices(quats: torch.Tensor) -> torch.Tensor:
    """(N, 4) wxyz of any length but 0 → (N, 3, 3).

    SciPy's `Rotation` has no gradients, and no tensors on a GPU.
    """
    w, x, y, z = (quats / torch.linalg.norm(quats, dim=1, keepdim=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
