"""What sliders do beyond the face model's expressions: all steps through W+ as the few latents that a file has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....training.export import LatentMap
from ....training.latent_pose import latent_map
from ..person import Person
from .blendshapes import Blendshapes
from .halves import halves
from .navigate import Navigation

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
def latent_drive(person: Person, navigation: Navigation, expressions: Tensor) -> Drive | None:
    """How latents follow from an expression, and what each does; None: nothing is added.

    The steps of both halves, those that the person was tuned with included, are linear in the expression as far as
    frames go. Their principal directions over the training frames are the latents, in standard deviations.

    Args:
        person: whose head it is.
        navigation: what moves them.
        expressions: of the training frames (T, E).
    """
    at_rest = torch.zeros_like(expressions[:1])
    rest = _steps(person, navigation, at_rest)
    linear = _steps(person, navigation, torch.eye(expressions.shape[1])) - rest
    _, lengths, directions = torch.linalg.svd(rest + expressions @ linear, full_matrices=False)
    if float(lengths[0]) < _NOTHING:
        return None
    shares = lengths.square().cumsum(0) / lengths.square().sum()
    count = min(_MOST, int((shares < _KEPT).sum()) + 1)
    deviations = lengths[:count] / np.sqrt(len(expressions))
    found = LatentMap(
        linear=(linear @ directions[:count].T / deviations).numpy(),
        offset=(rest[0] @ directions[:count].T / deviations).numpy(),
        bound=_BOUND,
    )
    steps = (directions[:count] * deviations[:, None]).unflatten(1, (len(person.canonical[0]), -1))
    upper, lower = steps.chunk(2, dim=2)
    return Drive(found, upper, lower)


def _steps(person: Person, navigation: Navigation, expressions: Tensor) -> Tensor:
    """Those of the upper half beside those of the lower one, of expressions (T, E): (T, latents * 2 * width)."""
    shapes = navigation.blendshapes
    upper, lower = (torch.zeros(1) for _ in range(2))
    if isinstance(shapes, Blendshapes):
        upper, lower = shapes.added(shapes.tracked(expressions))
    if person.own is not None:
        own = latent_map(person.own.latent, expressions.shape[1])
        parts = halves(expressions, navigation.usual) if shapes.apart else (expressions,)
        z = [torch.from_numpy(own.offset) + part @ torch.from_numpy(own.linear) for part in parts]
        added = [torch.tensordot(each, person.own.blendshapes[: each.shape[1]], 1) for each in z]
        upper = upper + added[0]
        lower = lower + (added[1] if len(added) > 1 else torch.zeros_like(added[0]))
    nothing = torch.zeros(len(expressions), *person.canonical.shape[1:])
    return torch.cat([nothing + upper, nothing + lower], dim=2).flatten(1)
