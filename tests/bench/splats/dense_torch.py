"""What PyTorch alone makes of splatting: every Gaussian near a tile into every pixel of it, differentiable.

The way that is written down in an afternoon, as `bench raster` measures it beside the renderer; float32.
"""

from __future__ import annotations

import torch

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.constants import ALPHA_CLIP, ALPHA_THRESHOLD, TRANSMITTANCE_THRESHOLD
from dgtalker_engine.gaussians.reference.projection import project

TILE = 16


def render(gaussians: Gaussians, camera: Camera) -> torch.Tensor:
    """RGB, alpha and depth · alpha over black: (H, W, 5)."""
    ellipses = project(gaussians, camera).front_to_back()
    a, b, c = ellipses.covariances[:, 0, 0], ellipses.covariances[:, 0, 1], ellipses.covariances[:, 1, 1]
    determinant = a * c - b * b
    conics = torch.stack([c / determinant, -b / determinant, a / determinant], dim=1)
    ones = torch.ones_like(ellipses.depths)
    painted = torch.cat([ellipses.colours, ones[:, None], ellipses.depths[:, None]], dim=1)
    with torch.no_grad():
        reach = torch.sqrt(2 * torch.log(ellipses.opacities / ALPHA_THRESHOLD)[:, None] * torch.stack([a, c], dim=1))
        low, high = ellipses.centres - reach, ellipses.centres + reach

    steps = torch.arange(TILE) + 0.5
    rows = []
    for top in range(0, camera.height, TILE):
        near = torch.nonzero((low[:, 1] < top + TILE) & (high[:, 1] > top))[:, 0]
        left_ends, right_ends = low[near, 0], high[near, 0]
        row = []
        for left in range(0, camera.width, TILE):
            listed = near[(left_ends < left + TILE) & (right_ends > left)]
            dx = left + steps - ellipses.centres[listed, :1]
            dy = top + steps - ellipses.centres[listed, 1:]
            xx, xy, yy = conics[listed].T[:, :, None]
            power = (0.5 * yy * dy * dy)[:, :, None] + (0.5 * xx * dx * dx)[:, None, :]
            power = power + (xy * dy)[:, :, None] * dx[:, None, :]
            alpha = (ellipses.opacities[listed, None, None] * torch.exp(-power)).clamp(max=ALPHA_CLIP)
            alpha = torch.where(alpha >= ALPHA_THRESHOLD, alpha, 0).flatten(1)
            after = torch.cumprod(1 - alpha, dim=0)
            before = torch.cat([torch.ones_like(alpha[:1]), after])[:-1]
            weights = torch.where(after > TRANSMITTANCE_THRESHOLD, alpha * before, 0)
            row.append((weights.T @ painted[listed]).reshape(TILE, TILE, 5))
        rows.append(torch.cat(row, dim=1))
    return torch.cat(rows)[: camera.height, : camera.width]
