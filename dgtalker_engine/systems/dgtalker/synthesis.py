"""From latents to attribute planes: StyleGAN2's synthesis network with skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import GeneratorConfig
from .layers import Noise, SynthesisLayer, ToPlanes
from .resampling import upsample


class SynthesisBlock(nn.Module):
    """The layers of one resolution; the first block begins with a constant instead of an upsampling layer."""

    def __init__(self, config: GeneratorConfig, resolution: int) -> None:
        super().__init__()
        outputs, width, clamp = config.channels(resolution), config.width, config.activation_clamp
        self.first = resolution == config.resolutions[0]
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, resolution, resolution))
        else:
            inputs = config.channels(resolution // 2)
            self.conv0 = SynthesisLayer(inputs, outputs, width, resolution, upsampled=True, clamp=clamp)
        self.conv1 = SynthesisLayer(outputs, outputs, width, resolution, clamp=clamp)
        self.torgb = ToPlanes(outputs, config.planes, width, clamp=clamp)

    def forward(self, x: Tensor | None, planes: Tensor | None, latents: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Features and planes of twice the resolution.

        Args:
            x: features of the block before; None: this is the first.
            planes: its planes.
            latents: (B, 3, width), or 2 of the first: one for each convolution, one for the planes.
            noise: see `Noise`.
        """
        own = list(latents.unbind(dim=1))
        if x is None:
            # Channels last: on processors the convolutions are faster by a half.
            start = self.const.expand(len(latents), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        else:
            start = self.conv0(x, own.pop(0), noise)
        features = self.conv1(start, own.pop(0), noise)
        added = self.torgb(features, own.pop(0))
        return features, added if planes is None else upsample(planes) + added


class SynthesisNetwork(nn.Module):
    """A constant of 4 × 4, blocks that double it, planes that all of them add to."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.resolutions = config.resolutions
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", SynthesisBlock(config, resolution))

    def forward(self, latents: Tensor, noise: Noise = "const") -> Tensor:
        """W+ (B, latents, width) → planes (B, channels, resolution, resolution).

        A block's planes share their latent with the next block's first convolution.
        """
        x, planes, start = None, None, 0
        for resolution in self.resolutions:
            convolutions = 1 if x is None else 2
            block = self.get_submodule(f"b{resolution}")
            x, planes = block(x, planes, latents[:, start : start + convolutions + 1], noise)
            start += convolutions
        assert planes is not None
        return planes
