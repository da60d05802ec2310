"""What keeps Gaussians on their triangles: GaussianTalker's equation 21."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from .config import BoundGaussiansConfig
from .model import BoundHead

_TILT = 0.02


def attribute_losses(model: BoundHead, config: BoundGaussiansConfig) -> dict[str, Tensor]:
    """Equation 21, and that the Gaussians, which are flat, lie in their triangles' planes."""
    far = F.relu(model.positions.norm(dim=1) - config.position_bound) * 1e3
    large = F.relu(model.log_scales - math.log(config.scale_bound))
    tilt = model.quats[:, 1].square() + model.quats[:, 3].square()
    tilt = tilt / model.quats.square().sum(dim=1)
    return {
        "positions": config.position_weight * 0.01 * far.square().mean(),
        "scales": config.scale_weight * 0.1 * large.square().mean(),
        "tilt": _TILT * tilt.mean(),
    }
