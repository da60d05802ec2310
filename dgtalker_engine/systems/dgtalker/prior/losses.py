"""How far heads are from those of the population."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..attributes import Raw
from ..config import GeneratorConfig

_MILLIMETRES, _SHADES, _LOG_SIZES, _RADIANS, _SHINE, _OPACITIES = 6.0, 0.1, 0.7, 1.0, 0.15, 0.2
"""Errors that count as 1: of a position, colours, log-sizes, rotations, colours of degree 1, opacities."""


def attribute_error(said: Raw, wanted: Raw, weights: Tensor, config: GeneratorConfig) -> Tensor:
    """Mean absolute error of what planes say (B, G, …), of each attribute in its own unit.

    Args:
        said, wanted: before activations.
        weights: how much each place counts (G,).
        config: of the generator.
    """
    reach = 1000 * config.unit * config.position_range
    position = reach / _MILLIMETRES * (torch.tanh(said.position) - torch.tanh(wanted.position)).abs().sum(-1)
    sizes = (F.softplus(2 - said.scale) - F.softplus(2 - wanted.scale)).abs().sum(-1) / _LOG_SIZES
    turns = 2 * math.pi * (torch.tanh(said.rotation) - torch.tanh(wanted.rotation)).abs().sum(-1) / _RADIANS
    shades = 0.5 * (torch.tanh(said.colour[..., :3]) - torch.tanh(wanted.colour[..., :3])).abs().sum(-1) / _SHADES
    shine = 0.5 * (torch.tanh(said.colour[..., 3:]) - torch.tanh(wanted.colour[..., 3:])).abs().sum(-1) / _SHINE
    opacity = (torch.sigmoid(said.opacity) - torch.sigmoid(wanted.opacity)).abs().sum(-1) / _OPACITIES
    return ((position + sizes + turns + shades + shine + opacity) * weights).mean()


def attribute_units(config: GeneratorConfig) -> Tensor:
    """What a step of 1 in each channel counts in `attribute_error`, where activations are steepest (C,)."""
    reach = 1000 * config.unit * config.position_range
    shades = 0.5 / _SHADES, 0.5 / _SHINE
    units = [reach / _MILLIMETRES] * 3 + [1 / _LOG_SIZES] * 3 + [2 * math.pi / _RADIANS] * 3
    units += [shades[0]] * 3 + [shades[1]] * (3 * config.sh_coefficients - 3) + [0.25 / _OPACITIES]
    return torch.tensor(units)


def face_error(said: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance of the template's places (B, G, 3) from those of the true faces, in 2 mm."""
    return 500 * (said - wanted).square().sum(-1).add(1e-10).sqrt().mean()
