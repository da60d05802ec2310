"""What a GaussianTalker head is trained by beside pictures: equation 21, and what keeps other views clean."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import GaussianTalkerConfig
from .model import BY_LATENT, GaussianTalker

_BLEND_SCALES = {"blend_positions": 3e3, "blend_rotations": 0.03, "blend_colours": 0.03}
"""λ of the squares of W_pos (metres), W_rot (radians) and W_color: about alike where they matter alike."""
_TILT = 0.02


def attribute_losses(model: GaussianTalker, config: GaussianTalkerConfig) -> dict[str, Tensor]:
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


def blendshape_loss(model: GaussianTalker, config: GaussianTalkerConfig) -> dict[str, Tensor]:
    """Ridge on the speaker's blendshapes."""
    total = torch.zeros(())
    for name in BY_LATENT:
        weights = getattr(model, name)
        if weights is not None:
            total = total + _BLEND_SCALES[name] * weights.square().mean()
    return {"blendshapes": config.blend_weight * total}
