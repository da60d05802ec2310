"""Heads whose upper face knows nothing of the lips, nor the lower one of brows and lids."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..attributes import Heads, Raw, activated
from ..generator import Generator
from ..person import Person
from .blendshapes import UPPER
from .cross_view import nose_base

_BORDER, _FEATHER = 0.008, 0.016
"""Metres above the nose's base where the halves part, and over how many they pass into each other."""


class Steps(NamedTuple):
    """What is added in W+ to ω_can and an expression, (B, latents, width) each.

    Attributes:
        upper, lower: to either half of the face; nothing where a person is not said by halves.
        whole: to what poses the face model, or where there are no halves, to what says all.
    """

    upper: Tensor
    lower: Tensor
    whole: Tensor


def upper_share(generator: Generator) -> Tensor:
    """How much of each Gaussian's attributes the upper half says, 1 above the nose and 0 below it (G, 1)."""
    assert generator.face_model is not None
    above = generator.points[:, 2:] - float(nose_base(generator.face_model)[2]) - _BORDER
    return (0.5 + above / _FEATHER).clamp(0, 1)


def halves(expression: Tensor, usual: Tensor) -> tuple[Tensor, Tensor]:
    """An expression (B, E) with the lower face, and with the upper one, as they usually are."""
    upper = UPPER.to(expression.device)
    return torch.where(upper, expression, usual), torch.where(upper, usual, expression)


def halved(person: Person, share: Tensor, usual: Tensor, expression: Tensor, steps: Steps) -> Heads:
    """Heads that two latents make together, B of them.

    A prior's planes answer to an expression everywhere: of the half-trained one, lips change pixels of the upper face
    0.22 times as much as those of the lower, where the face model under it does 0.08 times. So what is on the face
    above the nose is said by ω_can + Σ αᵉ bᵉ, below it by ω_can + Σ αˡ bˡ; the face model is posed by both. To either
    half the other one is as it usually is, since at that the person was found. What a person was tuned with is in the
    steps of both halves, so their sum does not pose the face model.

    Args:
        person: whose heads.
        share: `upper_share` of their generator.
        usual: the mean of their expressions (E,).
        expression: of the whole face (B, E).
        steps: beside it.
    """
    generator = person.generator
    of_upper, of_lower = halves(expression, usual)
    above, below = person.latents(of_upper, steps.upper), person.latents(of_lower, steps.lower)
    said = generator.raw(torch.cat([above, below]))
    parts = (each.chunk(2) for each in said)
    raw = Raw(*(torch.lerp(low, high, share) for high, low in parts))
    return activated(raw, generator.template(person.latents(expression, steps.whole)), generator.config)
