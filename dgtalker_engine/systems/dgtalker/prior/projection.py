"""Planes that say at a template's places what is wanted there: what a generator could say at best."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..attributes import Raw
from ..config import GeneratorConfig
from ..template import layer_depths

_ROUNDS = 40
_PRIOR = 1e-3
"""Of a texel's own: what no place lies near to stays 0."""


def planes_of(raw: Raw, uv: Tensor, config: GeneratorConfig) -> Tensor:
    """The planes (config.planes, resolution, resolution) whose samples are nearest to one head's attributes.

    Least squares, by conjugate gradients: planes are linear in what is sampled.

    Args:
        raw: of one head (1, G, …).
        uv: the template's places (G, 2).
        config: of the generator.
    """
    wanted = torch.cat(list(raw), dim=-1)[0].T[None, :, None]
    places, depths = uv[None, None], layer_depths(len(uv))
    shape = (1, config.planes, config.resolution, config.resolution)

    def sampled(planes: Tensor) -> Tensor:
        said = F.grid_sample(planes, places, mode="bilinear", padding_mode="zeros", align_corners=False)
        if not config.layered:
            return said
        middle, change = said.chunk(2, dim=1)
        return middle + depths * change

    start = torch.zeros(shape, requires_grad=True)
    _, back = torch.autograd.functional.vjp(sampled, start, wanted)
    assert isinstance(back, Tensor)
    planes, left = torch.zeros(shape), back
    way, length = left, left.square().sum()
    for _ in range(_ROUNDS):
        said = sampled(way)
        _, again = torch.autograd.functional.vjp(sampled, start, said)
        assert isinstance(again, Tensor)
        turned = again + _PRIOR * way
        step = length / (way * turned).sum()
        planes = planes + step * way
        left = left - step * turned
        before, length = length, left.square().sum()
        way = left + length / before * way
    return planes[0]
