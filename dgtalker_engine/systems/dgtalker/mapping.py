"""From an identity's code, and an expression, to a latent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import GeneratorConfig
from .layers import EqualizedLinear, normalized

_AVERAGE = 0.998


class MappingNetwork(nn.Module):
    """StyleGAN's mapping network, z ⊕ embedded condition → w, and the mean latent that truncation needs.

    The code is normalised, so that a mixture of two codes is as far from the centre as they are. A camera is, too, as
    GGHead's are; an expression is not, or half a smile would be a whole one.
    """

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.camera = config.condition == "camera"
        self.condition_size = config.condition_size
        self.layers = config.mapping_layers
        inputs = config.code_size
        if config.condition_size:
            self.embed = EqualizedLinear(config.condition_size, config.width)
            inputs += config.width
        for index in range(config.mapping_layers):
            layer = EqualizedLinear(inputs, config.width, rate=config.mapping_rate, activated=True)
            self.add_module(f"fc{index}", layer)
            inputs = config.width
        self.register_buffer("w_avg", torch.zeros(config.width))

    def forward(self, code: Tensor, condition: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Latents (B, width).

        Args:
            code: z, standard normal (B, code_size).
            condition: (B, condition_size); None: all 0.
            truncation: ψ of StyleGAN: 0 gives the mean head, 1 the code's own. An expression stays whole.
        """
        latent = self._mapped(code, condition)
        if truncation == 1:
            return latent
        own = latent if self.camera or condition is None else self._mapped(code, None)
        return latent + (1 - truncation) * (self.w_avg - own)

    def _mapped(self, code: Tensor, condition: Tensor | None) -> Tensor:
        x = normalized(code)
        if self.condition_size:
            given = code.new_zeros(len(code), self.condition_size) if condition is None else condition
            embedded = self.embed(given)
            x = torch.cat([x, normalized(embedded) if self.camera else embedded], dim=1)
        for index in range(self.layers):
            x = self.get_submodule(f"fc{index}")(x)
        return x

    @torch.no_grad()
    def track(self, latents: Tensor) -> None:
        """Lets the mean latent follow a step's (B, width): of heads at rest, where there are expressions."""
        self.w_avg.lerp_(latents.mean(dim=0), 1 - _AVERAGE)
