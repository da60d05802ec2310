"""What sliders do beyond the face model's expressions: blendshapes as the few latents that a head's file has."""

from __future__ import annotations

from typing import NamedTuple

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


class Drive(NamedTuple):
    """K latents.

    Attributes:
        latents: how they follow from an expression (E,).
        upper, lower: what each adds in W+ to either half of the face (K, latents, width).
    """

    latents: LatentMap
    upper: Tensor
    lower: Tensor


@torch.no_grad()
def latent_drive(blendshapes: Blendshapes, expressions: Tensor) -> Drive | None:
    """How latents follow from an expression, and what each does; None: nothing is added.

    What expressions add in W+ is linear in them. Its principal directions over the training frames are the latents, in
    standard deviations, about rest: at rest nothing is added.

    Args:
        blendshapes: of the person.
        expressions: of the training frames (T, E).
    """
    each = torch.cat(blendshapes.added(torch.eye(len(blendshapes.basis))), dim=2).flatten(1)
    added = blendshapes.tracked(expressions) @ each
    _, lengths, directions = torch.linalg.svd(added, full_matrices=False)
    if float(lengths[0]) < _NOTHING:
        return None
    shares = lengths.square().cumsum(0) / lengths.square().sum()
    count = min(_MOST, int((shares < _KEPT).sum()) + 1)
    deviations = lengths[:count] / np.sqrt(len(expressions))
    linear = blendshapes.basis.T @ each @ directions[:count].T / deviations
    steps = (directions[:count] * deviations[:, None]).unflatten(1, (blendshapes.latents, -1))
    upper, lower = steps.chunk(2, dim=2)
    return Drive(LatentMap(linear=linear.numpy(), offset=np.zeros(count, np.float32), bound=_BOUND), upper, lower)
