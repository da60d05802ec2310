"""What the numbers of the planes mean: GGHead's activations, in this order of channels."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...gaussians import Gaussians
from ...gaussians.constants import SH_C0
from ...gaussians.reference.placing import multiply, rotated
from .config import GeneratorConfig
from .template import PosedTemplate

_OVERSHOOT = 0.001
"""Colours and opacities reach a little beyond their range, so that they can reach its ends."""
_SCALE_MOST = -3.0
_SCALE_OFFSET = 5.0
_SMALL = 1e-8


class Raw(NamedTuple):
    """What the planes say at G places of B heads, before activations.

    Attributes:
        position: (B, G, 3).
        scale: (B, G, 3).
        rotation: axis-angle (B, G, 3).
        colour: (B, G, 3 K), first the coefficient of degree 0 of red, green and blue.
        opacity: (B, G, 1).
    """

    position: Tensor
    scale: Tensor
    rotation: Tensor
    colour: Tensor
    opacity: Tensor


class Heads(NamedTuple):
    """B clouds of G Gaussians, as in `Gaussians`; metres where the template's are.

    Attributes:
        means: (B, G, 3).
        quats: wxyz (B, G, 4).
        scales: (B, G, 3).
        opacities: (B, G).
        sh: (B, G, K, 3).
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    sh: Tensor

    def cloud(self, index: int) -> Gaussians:
        """One head's, which shares its memory."""
        return Gaussians(
            means=self.means[index],
            quats=self.quats[index],
            scales=self.scales[index],
            opacities=self.opacities[index],
            sh=self.sh[index],
        )


def split(sampled: Tensor, config: GeneratorConfig) -> Raw:
    """The channels (B, G, C) by their names."""
    return Raw(*sampled.split((3, 3, 3, 3 * config.sh_coefficients, 1), dim=-1))


def activated(raw: Raw, template: PosedTemplate, config: GeneratorConfig) -> Heads:
    """Gaussians; position and rotation are relative to the template's surface, which turns with its pose."""
    offset = config.unit * config.position_range * torch.tanh(raw.position)
    # v = −(x − 5), then s = −3 − softplus(v − 3): no Gaussian is larger than exp(−3) units.
    log_scales = _SCALE_MOST - F.softplus(_SCALE_OFFSET - raw.scale + _SCALE_MOST)
    quats = quaternions_of(2 * math.pi * torch.tanh(raw.rotation))
    if config.quaternion_order == "zwxy":
        quats = quats.roll(1, dims=-1)
    colour = (torch.tanh(raw.colour) * (1 + 2 * _OVERSHOOT) - _OVERSHOOT) * (0.5 / SH_C0)
    opacities = torch.sigmoid(raw.opacity[..., 0]) * (1 + 2 * _OVERSHOOT) - _OVERSHOOT
    return Heads(
        means=template.points + rotated(template.turns, offset),
        quats=multiply(template.turns, quats),
        scales=config.unit * log_scales.exp(),
        opacities=opacities.clamp(0, 1),
        sh=colour.unflatten(-1, (-1, 3)),
    )


def quaternions_of(turns: Tensor) -> Tensor:
    """Axis-angle (…, 3), radians → wxyz (…, 4); differentiable at no rotation too."""
    square = turns.square().sum(dim=-1, keepdim=True)
    small = square < _SMALL
    angle = square.masked_fill(small, 1.0).sqrt()
    sine = torch.where(small, 0.5 - square / 48, (angle / 2).sin() / angle)
    cosine = torch.where(small, 1 - square / 8, (angle / 2).cos())
    return torch.cat([cosine, turns * sine], dim=-1)
