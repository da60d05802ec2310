"""From an identity's code, and an expression, to a latent."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import GeneratorConfig
from .layers import EqualizedLinear, normalized

_AVERAGE = 0.998
EXPRESSION_GAIN = 4.0
"""Of an expression's numbers in a latent: one at full strength is then about a third as long as an identity."""


class MappingNetwork(nn.Module):
    """StyleGAN's mapping network, and the mean latent that truncation needs.

    With expressions, the last numbers of a latent are the expression's, times `EXPRESSION_GAIN`, and the network maps
    the code to the others: an expression is the same step through W for everybody, steps add up, and no step is part
    of an identity. Mapped together with the code, as GGHead maps its cameras, an expression is hardly found again in
    w: what a linear layer learned to read of it in 1200 steps was a tenth of its variance.

    The code is normalised, so that a mixture of two codes is as far from the centre as they are.
    """

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.expressions = config.expressions
        self.layers = config.mapping_layers
        outputs = config.width - self.expressions
        inputs = config.code_size
        self.embed: EqualizedLinear | None = None
        if config.condition == "camera" and config.condition_size:
            self.embed = EqualizedLinear(config.condition_size, config.width)
            inputs += config.width
        for index in range(config.mapping_layers):
            layer = EqualizedLinear(inputs, outputs, rate=config.mapping_rate, activated=True)
            self.add_module(f"fc{index}", layer)
            inputs = outputs
        self.register_buffer("w_avg", torch.zeros(outputs))

    def forward(self, code: Tensor, condition: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Latents (B, width).

        Args:
            code: z, standard normal (B, code_size).
            condition: the expression, or the camera (B, condition_size); None: all 0.
            truncation: ψ of StyleGAN: 0 gives the mean head, 1 the code's own. An expression stays whole.
        """
        x = normalized(code)
        if self.embed is not None:
            given = code.new_zeros(len(code), self.embed.weight.shape[1]) if condition is None else condition
            x = torch.cat([x, normalized(self.embed(given))], dim=1)
        for index in range(self.layers):
            x = self.get_submodule(f"fc{index}")(x)
        latent = torch.lerp(self.w_avg.expand_as(x), x, truncation)
        if not self.expressions:
            return latent
        at_rest = F.pad(latent, (0, self.expressions))
        return at_rest if condition is None else with_expression(at_rest, condition)

    @torch.no_grad()
    def track(self, latents: Tensor) -> None:
        """Lets the mean latent follow those of a training step (B, width)."""
        identities = latents[:, : latents.shape[1] - self.expressions]
        self.w_avg.lerp_(identities.mean(dim=0), 1 - _AVERAGE)


def with_expression(latents: Tensor, expression: Tensor) -> Tensor:
    """The same people with other expressions: latents (…, width), expressions (…, E) that broadcast to them."""
    size = expression.shape[-1]
    shown = EXPRESSION_GAIN * expression.expand(*latents.shape[:-1], size)
    return torch.cat([latents[..., : latents.shape[-1] - size], shown], dim=-1)


def expression_of(latents: Tensor, expressions: int) -> Tensor:
    """What expression latents (…, width) say (…, E)."""
    return latents[..., latents.shape[-1] - expressions :] / EXPRESSION_GAIN
