"""The renderer that fast ones are tested against: float64 NumPy, one Gaussian after the other. Slow and readable."""

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
    """Gaussians in the picture: the M of N that may be seen, in the order of the cloud.

    Attributes:
        centres: (M, 2), pixels.
        covariances: (M, 2, 2), square pixels.
        opacities: (M,).
        colours: (M, 3).
        depths: (M,), metres.
    """

    centres: np.ndarray
    covariances: np.ndarray
    opacities: np.ndarray
    colours: np.ndarray
    depths: np.ndarray


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    alpha_clip: float = 0.999,
) -> Image:
    """`gaussians.render` in float64; the arrays of the image are float64 too."""
    left, top, width, height = checked_region(camera, region)
    check_options(background, alpha_clip)
    gaussians.check_values()
    ellipses = project(gaussians, camera, antialiased)

    rgb, depth = np.zeros((height, width, 3)), np.zeros((height, width))
    transmittance, full = np.ones((height, width)), np.zeros((height, width), bool)
    # Depths are compared as float32, as the kernels do, so that both find the same ties.
    for i in np.argsort(ellipses.depths.astype(np.float32), kind="stable"):
        centre, covariance = ellipses.centres[i], ellipses.covariances[i]
        reach = np.sqrt(2 * math.log(ellipses.opacities[i] / LEAST_ALPHA) * np.diag(covariance)) + 1
        x0, y0 = np.clip(np.floor(centre - reach) - (left, top), 0, (width, height)).astype(int)
        x1, y1 = np.clip(np.ceil(centre + reach) - (left, top), 0, (width, height)).astype(int)
        if x0 >= x1 or y0 >= y1:
            continue
        here = np.s_[y0:y1, x0:x1]
        dx = np.arange(x0, x1)[None, :] + left + 0.5 - centre[0]
        dy = np.arange(y0, y1)[:, None] + top + 0.5 - centre[1]
        conic = np.linalg.inv(covariance)
        power = -0.5 * (conic[0, 0] * dx * dx + conic[1, 1] * dy * dy) - conic[0, 1] * dx * dy
        alpha = np.minimum(ellipses.opacities[i] * np.exp(power), alpha_clip)
        after = transmittance[here] * (1 - alpha)
        seen = (alpha >= LEAST_ALPHA) & ~full[here]
        full[here] |= seen & (after <= LEAST_TRANSMITTANCE)
        seen &= after > LEAST_TRANSMITTANCE
        weight = np.where(seen, transmittance[here] * alpha, 0)
        rgb[here] += weight[..., None] * ellipses.colours[i]
        depth[here] += weight * ellipses.depths[i]
        transmittance[here] = np.where(seen, after, transmittance[here])

    alpha = 1 - transmittance
    rgb += transmittance[..., None] * np.asarray(background, np.float64)
    hit = alpha > 0
    return Image(rgb, alpha, np.where(hit, depth / np.where(hit, alpha, 1), NOTHING_HIT))


def project(gaussians: Gaussians, camera: Camera, antialiased: bool = False) -> Ellipses:
    """EWA splatting: Σ' = J W Σ Wᵀ Jᵀ + 0.3 I (see cpu/projection.py)."""
    means, quats, scales, opacities, sh = (
        _float64(getattr(gaussians, name)) for name in ("means", "quats", "scales", "opacities", "sh")
    )
    world_to_camera, K = np.asarray(camera.world_to_camera, np.float64), np.asarray(camera.K, np.float64)
    rotation, focal, middle = world_to_camera[:3, :3], K[[0, 1], [0, 1]], K[:2, 2]
    points = means @ rotation.T + world_to_camera[:3, 3]
    depths = points[:, 2]

    jacobian = np.zeros((len(means), 2, 3))
    if camera.orthographic:
        centres = focal * points[:, :2] + middle
        jacobian[:, [0, 1], [0, 1]] = focal
        directions = np.broadcast_to(rotation[2], means.shape)
    else:
        safe = np.where(depths > 0, depths, 1)[:, None]
        size = np.array([camera.width, camera.height])
        margin = 0.15 * size / focal
        slopes = np.clip(points[:, :2] / safe, -middle / focal - margin, (size - middle) / focal + margin)
        centres = focal * points[:, :2] / safe + middle
        jacobian[:, [0, 1], [0, 1]] = focal / safe
        jacobian[:, :, 2] = -focal * slopes / safe
        directions = means + np.linalg.solve(rotation, world_to_camera[:3, 3])

    axes = rotation_matrices(quats) * scales[:, None, :]
    half = jacobian @ rotation @ axes
    sharp = half @ half.transpose(0, 2, 1)
    covariances = sharp + COVARIANCE_BLUR * np.eye(2)
    if antialiased:
        opacities = opacities * np.sqrt(np.maximum(np.linalg.det(sharp), 0) / np.linalg.det(covariances))
    colours = np.maximum(np.einsum("nk,nkc->nc", harmonics(directions, sh.shape[1]), sh) + 0.5, 0)
    drawn = (depths >= camera.near) & (depths <= camera.far) & (opacities >= LEAST_ALPHA)
    if not camera.orthographic:
        drawn &= depths > 0
    return Ellipses(centres[drawn], covariances[drawn], opacities[drawn], colours[drawn], depths[drawn])


def rotation_matrices(quats: np.ndarray) -> np.ndarray:
    """(N, 4) wxyz of any length but 0 → (N, 3, 3)."""
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.moveaxis(np.array(rows), 2, 0)


def harmonics(directions: np.ndarray, count: int) -> np.ndarray:
    """The first 1, 4, 9 or 16 real spherical harmonics at directions (N, 3) of any length: (N, count).

    With the Condon-Shortley phase, ordered by degree and then by order -l to l, as 3D Gaussian Splatting has them.
    """
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    x, y, z = (directions / np.where(length > 0, length, 1)).T
    pi = math.pi
    functions = (
        np.full_like(x, math.sqrt(1 / (4 * pi))),
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
    return np.stack(functions[:count], axis=1)


def _float64(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
