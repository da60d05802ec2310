"""What sliders do beyond the face model's expressions: blendshapes as the few latents that a head's file has."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....training.export import LatentMap
from .blendshapes import Blendshapes

_MOST, _KEPT = 16, 0.99
"""How many latents a file gets, and the share of what frames show that they keep: each makes the file larger."""
_BOUND = 8.0
"""Standard deviations at which latents end: those that were seen stay as good as linear."""
_NOTHING = 1e-6


@torch.no_grad()
def latent_drive(blendshapes: Blendshapes, expressions: Tensor) -> tuple[LatentMap, Tensor] | None:
    """How latents follow from an expression, and what each does.

    What expressions add in W+ is linear in them. Its principal directions over the training frames are the latents, in
    standard deviations, about rest: at rest nothing is added.

    Args:
        blendshapes: of the person.
        expressions: of the training frames (T, E).

    Returns:
        The map from expressions (E,) to K latents, and the steps in W+ (K, latents, width); None: nothing is added.
    """
    own = blendshapes.own().flatten(1)
    added = blendshapes.tracked(expressions) @ own
    _, lengths, directions = torch.linalg.svd(added, full_matrices=False)
    shares = lengths.square().cumsum(0) / lengths.square().sum().clamp_min(1e-30)
    count = min(_MOST, int((shares < _KEPT).sum()) + 1)
    deviations = lengths[:count] / np.sqrt(len(expressions))
    if float(deviations[0]) < _NOTHING:
        return None
    linear = blendshapes.basis.T @ own @ directions[:count].T / deviations
    steps = (directions[:count] * deviations[:, None]).unflatten(1, (blendshapes.latents, -1))
    offset = np.zeros(count, np.float32)
    return LatentMap(linear=linear.numpy(), offset=offset, bound=_BOUND), steps
