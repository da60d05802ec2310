"""What is made of gsplat's pictures on the GPU, before they are copied: expected depth, scene-linear colours."""

from __future__ import annotations

import torch

from ...kernels import srgb
from ..constants import NOTHING_HIT


def expected_depth(depth: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Accumulated depth and alpha (F, H, W) → mean depth, `NOTHING_HIT` where alpha is 0."""
    hit = alpha > 0
    # Divided by 1 where nothing is hit: 0/0 would have gradients that are not numbers.
    return torch.where(hit, depth / torch.where(hit, alpha, 1), NOTHING_HIT)


def to_scene_linear(rgb: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """`gaussians.colour.to_scene_linear` of tensors: rgb (…, 3), alpha (…) → rgba (…, 4)."""
    alpha = alpha[..., None]
    straight = torch.where(alpha > 0, rgb / alpha, 0)
    return torch.cat([srgb.decode(straight, torch) * alpha, alpha], dim=-1)
