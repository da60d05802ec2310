"""A latent of W+ that is looked for in pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .generator import Generator
from .mapping import with_expression

_RISE, _FALL = 0.05, 0.4
"""The shares of the steps in which the rate rises and falls, as StyleGAN2's projector has it."""
_BETAS = (0.9, 0.99)


class InvertedLatent(nn.Module):
    """Begins as the mean head of W.

    Args:
        generator: of which it is one.

    Attributes:
        common: what all of W+'s latents share, at rest (1, room).
        own: what each has beside it (1, latents, room).
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        config = generator.config
        self.expressions = config.expressions
        self.common = nn.Parameter(generator.mapping.w_avg[None].clone())
        self.own = nn.Parameter(torch.zeros(1, config.latents, config.width - config.expressions))

    def forward(self, expression: Tensor) -> Tensor:
        """W+ (B, latents, width) at expressions (B, E)."""
        wide = F.pad(self.common[:, None] + self.own, (0, self.expressions))
        return with_expression(wide.expand(len(expression), -1, -1), expression[:, None])

    def at_rest(self) -> Tensor:
        """W+ (1, latents, width)."""
        return self(self.common.new_zeros(1, self.expressions))

    def apart(self) -> Tensor:
        """How far the latents are from each other: W+ can say what is no head."""
        return self.own.square().mean()

    def optimiser(self, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam([self.common, self.own], rate, _BETAS)


def inversion_rate(rate: float, share: float) -> float:
    """The learning rate after a share of the steps."""
    return rate * min(1.0, (share + 1e-3) / _RISE, (1 - share) / _FALL)
