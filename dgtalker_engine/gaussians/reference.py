"""The renderer that fast ones are tested against: float64, slow and readable.

`render` blends one Gaussian after the other. `render_dense` blends every Gaussian into every pixel at once, for small
clouds and pictures: PyTorch can differentiate it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .camera import Camera
from .cloud import Gaussians
from .image import NOTHING_HIT, Image
from .rendering import check_options, checked_region

COVARIANCE_BLUR = 0.3
LEAST_ALPHA = 1 / 255
LEAST_TRANSMITTANCE = 1e-4


@dataclass(frozen=True)
class Ellipses:
    """Gaussians in the picture: the M of N that may be seen, in the order of the cloud; tensors of its type.

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

    def front_to_back(self) -> torch.Tensor:
        """Their numbers, nearest first. Depths are compared as float32, as the kernels do, to find the same ties."""
        return torch.argsort(self.depths.detach().float(), stable=True)

    def __getitem__(self, chosen: torch.Tensor) -> Ellipses:
        fields = (self.centres, self.covariances, self.opacities, self.colours, self.depths)
        return Ellipses(*(field[chosen] for field in fields))


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    alpha_clip: float = 0.999,
) -> Image:
    """`gaussians.render` in float64, without gradients; the arrays of the image are float64 too."""
    left, top, width, height = checked_region(camera, region)
    check_options(background, alpha_clip)
    gaussians.check_values()
    with torch.no_grad():
        ellipses = project(in_float64(gaussians), camera, antialiased)
        ellipses = ellipses[ellipses.front_to_back()]
    centres, covariances, opacities, colours, depths = (
        getattr(ellipses, name).numpy() for name in ("centres", "covariances", "opacities", "colours", "depths")
    )

    rgb, depth = np.zeros((height, width, 3)), np.zeros((height, width))
    transmittance, full = np.ones((height, width)), np.zeros((height, width), bool)
    for i, (centre, covariance) in enumerate(zip(centres, covariances, strict=True)):
        reach = np.sqrt(2 * math.log(opacities[i] / LEAST_ALPHA) * np.diag(covariance)) + 1
        x0, y0 = np.clip(np.floor(centre - reach) - (left, top), 0, (width, height)).astype(int)
        x1, y1 = np.clip(np.ceil(centre + reach) - (left, top), 0, (width, height)).astype(int)
        if x0 >= x1 or y0 >= y1:
            continue
        here = np.s_[y0:y1, x0:x1]
        dx = np.arange(x0, x1)[None, :] + left + 0.5 - centre[0]
        dy = np.arange(y0, y1)[:, None] + top + 0.5 - centre[1]
        conic = np.linalg.inv(covariance)
        power = -0.5 * (conic[0, 0] * dx * dx + conic[1, 1] * dy * dy) - conic[0, 1] * dx * dy
        alpha = np.minimum(opacities[i] * np.exp(power), alpha_clip)
        after = transmittance[here] * (1 - alpha)
        seen = (alpha >= LEAST_ALPHA) & ~full[here]
        full[here] |= seen & (after <= LEAST_TRANSMITTANCE)
        seen &= after > LEAST_TRANSMITTANCE
        weight = np.where(seen, transmittance[here] * alpha, 0)
        rgb[here] += weight[..., None] * colours[i]
        depth[here] += weight * depths[i]
        transmittance[here] = np.where(seen, after, transmittance[here])

    alpha = 1 - transmittance
    rgb += transmittance[..., None] * np.asarray(background, np.float64)
    hit = alpha > 0
    return Image(rgb, alpha, np.where(hit, depth / np.where(hit, alpha, 1), NOTHING_HIT))


def render_dense(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: torch.Tensor,
    antialiased: bool = False,
    alpha_clip: float = 0.999,
) -> Image:
    """`render` of the whole picture as tensors with gradients, of the type that the cloud's tensors have."""
    ellipses = project(gaussians, camera, antialiased)
    rows, columns = torch.meshgrid(torch.arange(camera.height), torch.arange(camera.width), indexing="ij")
    pixels = torch.stack([columns, rows], dim=-1).reshape(-1, 2) + 0.5
    rgb, alpha, depth = blend_dense(ellipses[ellipses.front_to_back()], pixels.to(gaussians.means), alpha_clip)
    rgb = rgb + (1 - alpha)[:, None] * background
    hit = alpha > 0
    depth = torch.where(hit, depth / torch.where(hit, alpha, 1), NOTHING_HIT)
    shape = (camera.height, camera.width)
    return Image(rgb.reshape(*shape, 3), alpha.reshape(shape), depth.reshape(shape))


def blend_dense(
    ellipses: Ellipses, pixels: torch.Tensor, alpha_clip: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Blends ellipses, nearest first, into pixels (P, 2): Σ w colour (P, 3), Σ w and Σ w depth (P,), w = α T."""
    offsets = pixels - ellipses.centres[:, None]
    conics = torch.linalg.inv(ellipses.covariances)
    power = -0.5 * torch.einsum("mpi,mij,mpj->mp", offsets, conics, offsets)
    alpha = (ellipses.opacities[:, None] * torch.exp(power)).clamp(max=alpha_clip)
    alpha = torch.where(alpha >= LEAST_ALPHA, alpha, 0)
    after = torch.cumprod(1 - alpha, dim=0)
    before = torch.cat([torch.ones_like(after[:1]), after[:-1]])
    # After the Gaussian that would fill the pixel T is below the limit for all that follow.
    weights = torch.where(after > LEAST_TRANSMITTANCE, before * alpha, 0)
    return weights.T @ ellipses.colours, weights.sum(dim=0), weights.T @ ellipses.depths


def project(gaussians: Gaussians, camera: Camera, antialiased: bool = False) -> Ellipses:
    """EWA splatting: Σ' = J W Σ Wᵀ Jᵀ + 0.3 I (see cpu/projection.py). Differentiable."""
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
        margin = 0.15 * size / focal
        slopes = torch.clamp(points[:, :2] / safe[:, None], -middle / focal - margin, (size - middle) / focal + margin)
        centres = focal * points[:, :2] / safe[:, None] + middle
        (fx, fy), (x, y) = focal, slopes.T
        along = [fx / safe, zero, -fx * x / safe, zero, fy / safe, -fy * y / safe]
        directions = means + like_means(np.linalg.solve(world_to_camera[:3, :3], world_to_camera[:3, 3]))
    jacobian = torch.stack(along, dim=1).reshape(-1, 2, 3)

    axes = rotation_matrices(gaussians.quats) * gaussians.scales[:, None, :]
    half = jacobian @ rotation @ axes
    sharp = half @ half.mT
    covariances = sharp + COVARIANCE_BLUR * torch.eye(2).to(means)
    opacities = gaussians.opacities
    if antialiased:
        opacities = opacities * torch.sqrt(torch.linalg.det(sharp).clamp(min=0) / torch.linalg.det(covariances))
    basis = harmonics(directions, gaussians.sh.shape[1])
    colours = (torch.einsum("nk,nkc->nc", basis, gaussians.sh) + 0.5).clamp(min=0)
    drawn = (depths >= camera.near) & (depths <= camera.far) & (opacities >= LEAST_ALPHA)
    if not camera.orthographic:
        drawn &= depths > 0
    return Ellipses(centres, covariances, opacities, colours, depths)[drawn]


def rotation_matrices(quats: torch.Tensor) -> torch.Tensor:
    """(N, 4) wxyz of any length but 0 → (N, 3, 3)."""
    w, x, y, z = (quats / torch.linalg.norm(quats, dim=1, keepdim=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def harmonics(directions: torch.Tensor, count: int) -> torch.Tensor:
    """The first 1, 4, 9 or 16 real spherical harmonics at directions (N, 3) of any length: (N, count).

    With the Condon-Shortley phase, ordered by degree and then by order -l to l, as 3D Gaussian Splatting has them.
    """
    length = torch.linalg.norm(directions, dim=1, keepdim=True)
    x, y, z = (directions / torch.where(length > 0, length, 1)).T
    pi = math.pi
    functions = (
        torch.full_like(x, math.sqrt(1 / (4 * pi))),
        -math.sqrt(3 / (4 * pi)) * y,
        math.sqrt(3 / (4 * pi)) * z,
        -math.sqrt(3 / (4 * pi)) * x,
        math.sqrt(15 / (4 * pi)) * x * y,
        -math.sqrt(15 / (4 * pi)) * y * z,
        math.sqrt(5 / (16 * pi)) * (2 * z * z - x * x - y * y),
        -math.sqrt(15 / (4 * pi)) * x * z,
        math.sqrt(15 / (16 * pi)) * (x * x - y * y),
        -math.sqrt(35 / (32 * pi)) * y * (3 * x * x - y * y),
        math.sqrt(105 / (4 * pi)) * x * y * z,
        -math.sqrt(21 / (32 * pi)) * y * (4 * z * z - x * x - y * y),
        math.sqrt(7 / (16 * pi)) * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -math.sqrt(21 / (32 * pi)) * x * (4 * z * z - x * x - y * y),
        math.sqrt(105 / (16 * pi)) * z * (x * x - y * y),
        -math.sqrt(35 / (32 * pi)) * x * (x * x - 3 * y * y),
    )
    return torch.stack(functions[:count], dim=1)


def in_float64(gaussians: Gaussians) -> Gaussians:
    """A copy in float64 on the processor, apart from the graph."""
    return gaussians.map(lambda tensor: tensor.detach().cpu().double())
