"""What a GaussianTalker head is trained by beside what all heads on triangles are."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import GaussianTalkerConfig
from .model import BY_LATENT, GaussianTalker

_BLEND_SCALES = {"blend_positions": 3e3, "blend_rotations": 0.03, "blend_colours": 0.03}
"""λ of the squares of W_pos (metres), W_rot (radians) and W_color: about alike where they matter alike."""


def blendshape_loss(model: GaussianTalker, config: GaussianTalkerConfig) -> dict[str, Tensor]:
    """Ridge on the speaker's blendshapes."""
    total = torch.zeros(())
    for name in BY_LATENT:
        weights = getattr(model, name)
        if weights is not None:
            total = total + _BLEND_SCALES[name] * weights.square().mean()
    return {"blendshapes": config.blend_weight * total}
