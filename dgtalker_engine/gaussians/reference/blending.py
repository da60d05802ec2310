"""Ellipses, nearest first → pixels: Σ cᵢ αᵢ Tᵢ with Tᵢ = Π_{j<i} (1 - αⱼ) (see cpu/blending.py)."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..checks import Region
from ..constants import ALPHA_CLIP, ALPHA_THRESHOLD, NOTHING_HIT, TRANSMITTANCE_THRESHOLD
from .projection import Ellipses


def blend(ellipses: Ellipses, region: Region, background: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blends one ellipse after the other into a region: rgb (H, W, 3), alpha and depth (H, W), float64."""
    left, top, width, height = region
    centres, covariances, opacities, colours, depths = (
        getattr(ellipses, name).numpy() for name in ("centres", "covariances", "opacities", "colours", "depths")
    )
    rgb, depth = np.zeros((height, width, 3)), np.zeros((height, width))
    transmittance, full = np.ones((height, width)), np.zeros((height, width), bool)
    for i, (centre, covariance) in enumerate(zip(centres, covariances, strict=True)):
        reach = np.sqrt(2 * math.log(opacities[i] / ALPHA_THRESHOLD) * np.diag(covariance)) + 1
        x0, y0 = np.clip(np.floor(centre - reach) - (left, top), 0, (width, height)).astype(int)
        x1, y1 = np.clip(np.ceil(centre + reach) - (left, top), 0, (width, height)).astype(int)
        if x0 >= x1 or y0 >= y1:
            continue
        here = np.s_[y0:y1, x0:x1]
        dx = np.arange(x0, x1)[None, :] + left + 0.5 - centre[0]
        dy = np.arange(y0, y1)[:, None] + top + 0.5 - centre[1]
        conic = np.linalg.inv(covariance)
        power = -0.5 * (conic[0, 0] * dx * dx + conic[1, 1] * dy * dy) - conic[0, 1] * dx * dy
        alpha = np.minimum(opacities[i] * np.exp(power), ALPHA_CLIP)
        after = transmittance[here] * (1 - alpha)
        seen = (alpha >= ALPHA_THRESHOLD) & ~full[here]
        full[here] |= seen & (after <= TRANSMITTANCE_THRESHOLD)
        seen &= after > TRANSMITTANCE_THRESHOLD
        weight = np.where(seen, transmittance[here] * alpha, 0)
        rgb[here] += weight[..., None] * colours[i]
        depth[here] += weight * depths[i]
        transmittance[here] = np.where(seen, after, transmittance[here])

    alpha = 1 - transmittance
    rgb += transmittance[..., None] * background
    hit = alpha > 0
    return rgb, alpha, np.where(hit, depth / np.where(hit, alpha, 1), NOTHING_HIT)


def blend_dense(
    ellipses: Ellipses, region: Region, background: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`blend` of all ellipses into all pixels at once, for small pictures: tensors with gradients."""
    left, top, width, height = region
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([columns + left, rows + top], dim=-1).reshape(-1, 2) + 0.5
    weights = weights_of(ellipses, pixels.to(ellipses.centres))
    alpha = weights.sum(dim=0)
    rgb = weights.T @ ellipses.colours + (1 - alpha)[:, None] * background
    hit = alpha > 0
    depth = torch.where(hit, weights.T @ ellipses.depths / torch.where(hit, alpha, 1), NOTHING_HIT)
    return rgb.reshape(height, width, 3), alpha.reshape(height, width), depth.reshape(height, width)


def weights_of(ellipses: Ellipses, pixels: torch.Tensor) -> torch.Tensor:
    """α T of M ellipses, nearest first, in pixels with their centres at (P, 2): (M, P)."""
    offsets = pixels - ellipses.centres[:, None]
    conics = torch.linalg.inv(ellipses.covariances)
    power = -0.5 * torch.einsum("mpi,mij,mpj->mp", offsets, conics, offsets)
    alpha = (ellipses.opacities[:, None] * torch.exp(power)).clamp(max=ALPHA_CLIP)
    alpha = torch.where(alpha >= ALPHA_THRESHOLD, alpha, 0)
    after = torch.cumprod(1 - alpha, dim=0)
    before = torch.cat([torch.ones_like(after[:1]), after[:-1]])
    # After the Gaussian that would fill the pixel T is below the limit for all that follow.
    return torch.where(after > TRANSMITTANCE_THRESHOLD, before * alpha, 0)
