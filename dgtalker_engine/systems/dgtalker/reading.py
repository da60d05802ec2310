"""Planes read between texels at a template's places; the readable reference is PyTorch's `grid_sample`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def read_planes(planes: Tensor, uv: Tensor) -> Tensor:
    """What planes say at places, bilinear between texels, 0 outside: (B, C, H, W), (G, 2) → (B, G, C).

    As sums of whole texels, whose channels lie together: with gradients, six times as fast as `grid_sample`.

    Args:
        planes: fastest where its memory is channels last.
        uv: −1 to 1, first to the right, then down; no gradient reaches them.
    """
    batch, channels, height, width = planes.shape
    texels, weights = _nearest(uv, height, width)
    rows = planes.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    return torch.stack([F.embedding_bag(texels, row, per_sample_weights=weights, mode="sum") for row in rows])


def reference_read_planes(planes: Tensor, uv: Tensor) -> Tensor:
    """`read_planes` by PyTorch."""
    places = uv.expand(len(planes), 1, -1, -1)
    return F.grid_sample(planes, places, mode="bilinear", padding_mode="zeros", align_corners=False)[:, :, 0].mT


@torch.no_grad()
def _nearest(uv: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The four texels around each place, and their weights (G, 4)."""
    size = uv.new_tensor([width, height])
    places = ((uv + 1) * size - 1) / 2
    first = places.floor()
    share = places - first
    corners = uv.new_tensor([[0, 0], [1, 0], [0, 1], [1, 1]])
    each = first[:, None] + corners
    weights = torch.where(corners == 1, share[:, None], 1 - share[:, None]).prod(dim=-1)
    inside = ((each >= 0) & (each < size)).all(dim=-1)
    each = each.clamp(min=each.new_zeros(2), max=size - 1).long()
    return each[..., 1] * width + each[..., 0], weights * inside
