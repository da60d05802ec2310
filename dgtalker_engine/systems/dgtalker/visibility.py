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
_ASKEW = 0.15
"""Cosines of the angle to the view below which a surface is not looked at, and beyond which it is, twice that."""


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
    return spread(1 - torch.exp(-seen / _SEEN), uv, side)


@torch.no_grad()
def faced(frames: ClipFrames, triangles: Tensor) -> Tensor:
    """How much of a triangle's surface the frame shows that shows it best, 0 to 1: 0 beyond 81° from it (G,)."""
    model, best = frames.face_model, torch.zeros(len(triangles))
    for index in frames.spread(_LOOKED):
        corners = frames.vertices(index)[model.faces]
        normals = F.normalize(torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), dim=1)
        pose = torch.as_tensor(frames.camera(index).world_to_camera, dtype=torch.float32)
        towards = F.normalize(-pose[:3, :3].T @ pose[:3, 3] - corners.mean(dim=1), dim=1)
        best = torch.maximum(best, (normals * towards).sum(dim=1)[triangles])
    return ((best - _ASKEW) / _ASKEW).clamp(0, 1)


def spread(values: Tensor, uv: Tensor, side: int) -> Tensor:
    """What the Gaussians that read a texel have on average (side, side) of values (G,); 0 where nothing reads it."""
    planes = torch.zeros(1, 2, side, side, requires_grad=True)
    with torch.enable_grad():
        read = read_planes(planes, uv)[0]
        (read * torch.stack([values, torch.ones_like(values)], dim=1)).sum().backward()
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
