"""What frames show of a head, on its planes, and carrying on from there to what they don't."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ...gaussians import Gaussians
from ...training.clip_frames import ClipFrames
from ...training.coverage import coverage
from .reading import read_planes

_LOOKED = 8
"""Training frames that are looked at, spread over the clip."""
_SEEN = 0.35
"""Pixels of half a frame of which a Gaussian counts as seen."""


def shown_texels(pose: Callable[[int], Gaussians], frames: ClipFrames, uv: Tensor, side: int) -> Tensor:
    """How much frames show of what each texel says, 0 to 1 (side, side); 0 where nothing reads it.

    Args:
        pose: a frame's number → the head.
        frames: of the clip.
        uv: of the Gaussians (G, 2).
        side: of the planes.
    """
    seen = torch.zeros(len(uv))
    for index in frames.spread(_LOOKED):
        with torch.no_grad():
            cloud = pose(index)
        seen = torch.maximum(seen, coverage(cloud, frames.camera(index, 2))[0])
    shown = 1 - torch.exp(-seen / _SEEN)
    planes = torch.zeros(1, 2, side, side, requires_grad=True)
    with torch.enable_grad():
        read = read_planes(planes, uv)[0]
        (read * torch.stack([shown, torch.ones_like(shown)], dim=1)).sum().backward()
    assert planes.grad is not None
    total, readers = planes.grad[0]
    return torch.where(readers > 0, total / readers.clamp_min(1e-9), 0.0)


def carried_on(planes: Tensor, shown: Tensor) -> Tensor:
    """Planes (C, H, W) whose texels that are not shown go on smoothly from those around them that are: push–pull.

    Args:
        planes: of a side that is a power of two.
        shown: how much each texel counts, 0 to 1 (H, W).
    """
    if len(shown) == 1:
        return planes
    weights = F.avg_pool2d(shown[None], 2)[0]
    means = F.avg_pool2d(planes * shown, 2) / weights.clamp_min(1e-6)
    coarse = carried_on(means, (4 * weights).clamp_max(1))
    around = F.interpolate(coarse[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
    return torch.lerp(around, planes, shown)
