"""The layers of StyleGAN2 (Karras et al. 2020), with the names of its parameters."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .resampling import upsampling_convolution

Noise = Literal["const", "random", "none"]
"""Of each layer: its own, always the same; drawn anew; none."""

_SLOPE, _GAIN = 0.2, math.sqrt(2)
_LEAST = 1e-8


def normalized(x: Tensor) -> Tensor:
    """Vectors (…, C) whose entries have the mean square 1."""
    return x * (x.square().mean(dim=-1, keepdim=True) + _LEAST).rsqrt()


class EqualizedLinear(nn.Module):
    """A fully connected layer whose learning rate does not depend on its size (Karras et al. 2018, section 4.1).

    Args:
        inputs, outputs: sizes.
        bias: at first.
        rate: its learning rate, relative to the others'.
        activated: whether leaky ReLU, scaled by √2, follows.
    """

    def __init__(
        self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0, activated: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.weight_gain = rate / math.sqrt(inputs)
        self.bias_gain = rate
        self.activated = activated

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) → (…, outputs)."""
        y = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return F.leaky_relu(y, _SLOPE) * _GAIN if self.activated else y


class SynthesisLayer(nn.Module):
    """A modulated and demodulated 3 × 3 convolution, noise, bias and leaky ReLU.

    Equations 1 and 3 of the paper, which scale the kernel by a style s and then to the length 1, done on what goes in
    and comes out instead: no kernel is made for each head of a batch.

    Args:
        inputs, outputs: channels.
        width: of a latent.
        resolution: of what comes out.
        upsampled: whether that is twice the resolution of what goes in.
        clamp: what comes out stays within ± it; 0: it does not.
    """

    noise_const: Tensor

    def __init__(
        self, inputs: int, outputs: int, width: int, resolution: int, *, upsampled: bool = False, clamp: float = 0.0
    ) -> None:
        super().__init__()
        self.affine = EqualizedLinear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.upsampled = upsampled
        self.clamp = clamp

    def forward(self, x: Tensor, latent: Tensor, noise: Noise = "const") -> Tensor:
        """(B, inputs, …), (B, width) → (B, outputs, resolution, resolution)."""
        style = self.affine(latent)
        x = x * style[:, :, None, None]
        y = upsampling_convolution(x, self.weight) if self.upsampled else F.conv2d(x, self.weight, padding=1)
        lengths = style.square() @ self.weight.square().sum(dim=(2, 3)).T
        # The gain of √2 goes through leaky ReLU: it is part of what multiplies anyway.
        y = y * (_GAIN * (lengths + _LEAST).rsqrt())[:, :, None, None]
        y = y + _GAIN * self.bias[:, None, None]
        if noise != "none":
            drawn = self.noise_const if noise == "const" else torch.randn_like(y[:, :1])
            y = y + _GAIN * self.noise_strength * drawn
        y = F.leaky_relu(y, _SLOPE, inplace=True)
        return y.clamp(-self.clamp, self.clamp) if self.clamp else y


class ToPlanes(nn.Module):
    """What a block adds to the planes: a modulated 1 × 1 convolution, not demodulated. StyleGAN2's name is ToRGB.

    Args:
        inputs, outputs: channels.
        width: of a latent.
        clamp: what comes out stays within ± it; 0: it does not.
    """

    def __init__(self, inputs: int, outputs: int, width: int, *, clamp: float = 0.0) -> None:
        super().__init__()
        self.affine = EqualizedLinear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.clamp = clamp

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """(B, inputs, H, W), (B, width) → (B, outputs, H, W)."""
        style = self.affine(latent) / math.sqrt(self.weight.shape[1])
        # So few channels come out that here a kernel for each head is less work.
        kernels = self.weight[:, :, 0, 0].T * style[:, :, None]
        texels = x.permute(0, 2, 3, 1).flatten(1, 2) @ kernels + self.bias
        y = texels.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return y.clamp(-self.clamp, self.clamp) if self.clamp else y
