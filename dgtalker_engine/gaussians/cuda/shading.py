"""What is made of gsplat's pictures on the GPU, before they are copied: expected depth, scene-linear colours."""

from __future__ import annotations

import torch

from ..image import NOTHING_HIT


def expected_depth(depth: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Accumulated depth and alpha (F, H, W) → mean depth, `NOTHING_HIT` where alpha is 0."""
    return torch.where(alpha > 0, depth / alpha, NOTHING_HIT)


def to_scene_linear(rgb: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """`gaussians.colour.to_scene_linear` of tensors: rgb (…, 3), alpha (…) → rgba (…, 4)."""
    alpha = alpha[..., None]
    straight = torch.where(alpha > 0, rgb / alpha, 0)
    linear = torch.where(straight <= 0.04045, straight / 12.92, ((straight + 0.055) / 1.055) ** 2.4)
    return torch.cat([linear * alpha, alpha], dim=-1)
