"""Gaussians in another light: cpu/lighting.py, slow and readable, on any device, with gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ...kernels import srgb
from ..cloud import Gaussians
from ..constants import SH_C0

if TYPE_CHECKING:
    from ..binding import Binding


def light(gaussians: Gaussians, binding: Binding, gains: torch.Tensor) -> Gaussians:
    """`gaussians.lighting.lit`, in float64: the mean gain of the vertices that carry a Gaussian, times its colour."""
    device = gaussians.means.device
    nodes = torch.from_numpy(binding.nodes).to(device, torch.int64)
    weights = torch.from_numpy(binding.weights).to(device, torch.float64)
    gain = (weights[..., None] * gains.to(device, torch.float64)[nodes]).sum(dim=1)
    colour = (SH_C0 * gaussians.sh[:, 0].double() + 0.5).clamp(min=0)
    linear = gain * srgb.decode(colour, torch)
    sh = (srgb.encode(linear, torch) - 0.5) / SH_C0
    return replace(gaussians, sh=sh[:, None].to(gaussians.sh.dtype))
