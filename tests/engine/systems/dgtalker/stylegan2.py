"""StyleGAN2's generator as its paper has it, for GGHead's planes: slow, one head at a time, to compare ours with.

Karras et al., "Analyzing and improving the image quality of StyleGAN" (2020), section 2.2; attributes are read as
GGHead (Kirschstein et al. 2024) does. Classes and what they keep have the names that published checkpoints have.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x < 0, 0.2 * x, x) * math.sqrt(2)


def to_unit_mean_square(x: Tensor) -> Tensor:
    return x / (x.square().mean() + 1e-8).sqrt()


def between_zeros(x: Tensor) -> Tensor:
    wide = torch.zeros(x.shape[0], 2 * x.shape[1], 2 * x.shape[2])
    wide[:, ::2, ::2] = x
    return wide


def convolved(x: Tensor, kernels: Tensor) -> Tensor:
    """(I, H, W) by (O, I, k, k): the sum over taps, the kernel turned round, where it covers x."""
    kernels = kernels.flip(2, 3)
    size = kernels.shape[-1]
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    result = torch.zeros(len(kernels), height, width)
    for i in range(size):
        for j in range(size):
            result += torch.einsum("oi,ihw->ohw", kernels[:, :, i, j], x[:, i : i + height, j : j + width])
    return result


def filtered(x: Tensor) -> Tensor:
    """By 1-3-3-1 along both axes, four times as strong."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    kernel = torch.outer(taps, taps)
    return torch.stack([convolved(channel[None], kernel[None, None])[0] for channel in x])


def around(x: Tensor, before: int, after: int) -> Tensor:
    return F.pad(x, (before, after, before, after))


class FullyConnectedLayer(nn.Module):
    def __init__(self, in_features, out_features, lr_multiplier=1.0, bias_init=0.0, activation="linear"):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter((bias_init + torch.randn(out_features)) / lr_multiplier)
        self.weight_gain = lr_multiplier / np.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x):
        y = x @ (self.weight * float(self.weight_gain)).T + self.bias * self.bias_gain
        return lrelu(y) if self.activation == "lrelu" else y


class MappingNetwork(nn.Module):
    def __init__(self, z_dim, c_dim, w_dim, num_layers=2, lr_multiplier=0.01):
        super().__init__()
        self.num_layers = num_layers
        self.embed = FullyConnectedLayer(c_dim, w_dim)
        for index in range(num_layers):
            inputs = z_dim + w_dim if index == 0 else w_dim
            setattr(self, f"fc{index}", FullyConnectedLayer(inputs, w_dim, lr_multiplier, activation="lrelu"))
        self.register_buffer("w_avg", torch.randn(w_dim))

    def forward(self, z, c, truncation_psi=1.0):
        x = torch.cat([to_unit_mean_square(z), to_unit_mean_square(self.embed(c))])
        for index in range(self.num_layers):
            x = getattr(self, f"fc{index}")(x)
        return self.w_avg + truncation_psi * (x - self.w_avg)


class SynthesisLayer(nn.Module):
    def __init__(self, in_channels, out_channels, w_dim, resolution, up=1, conv_clamp=None):
        super().__init__()
        self.up, self.conv_clamp = up, conv_clamp
        self.act_gain = np.sqrt(2)
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.register_buffer("resample_filter", torch.outer(*[torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8] * 2))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.noise_strength = nn.Parameter(torch.randn(()))
        self.bias = nn.Parameter(torch.randn(out_channels))

    def forward(self, x, w):
        style = self.affine(w)
        kernels = self.weight * style[None, :, None, None]  # equation 1
        kernels = kernels / (kernels.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()  # equation 3
        if self.up == 2:
            y = filtered(convolved(around(between_zeros(x), 3, 2), kernels))
        else:
            y = convolved(around(x, 1, 1), kernels.flip(2, 3))  # networks correlate
        y = lrelu(y + self.noise_const * self.noise_strength + self.bias[:, None, None])
        return y if self.conv_clamp is None else y.clamp(-self.conv_clamp, self.conv_clamp)


class ToRGBLayer(nn.Module):
    def __init__(self, in_channels, out_channels, w_dim, conv_clamp=None):
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.randn(out_channels))

    def forward(self, x, w):
        style = self.affine(w) / math.sqrt(self.weight.shape[1])
        y = torch.einsum("oi,ihw->ohw", self.weight[:, :, 0, 0] * style, x) + self.bias[:, None, None]
        return y if self.conv_clamp is None else y.clamp(-self.conv_clamp, self.conv_clamp)


class GGHSynthesisBlock(nn.Module):
    def __init__(self, in_channels, out_channels, w_dim, resolution, img_channels, conv_clamp):
        super().__init__()
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(in_channels, out_channels, w_dim, resolution, 2, conv_clamp)
        self.conv1 = SynthesisLayer(out_channels, out_channels, w_dim, resolution, 1, conv_clamp)
        self.torgb = ToRGBLayer(out_channels, img_channels, w_dim, conv_clamp)

    def forward(self, x, img, ws):
        ws = list(ws)
        x = self.const if x is None else self.conv0(x, ws.pop(0))
        x = self.conv1(x, ws.pop(0))
        added = self.torgb(x, ws.pop(0))
        return x, added if img is None else filtered(around(between_zeros(img), 2, 1)) + added


class GGHSynthesisNetwork(nn.Module):
    def __init__(self, w_dim, resolution, img_channels, base, most, conv_clamp):
        super().__init__()
        self.block_resolutions = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        for res in self.block_resolutions:
            inputs = min(2 * base // res, most) if res > 4 else 0
            block = GGHSynthesisBlock(inputs, min(base // res, most), w_dim, res, img_channels, conv_clamp)
            setattr(self, f"b{res}", block)

    def forward(self, ws):
        x = img = None
        index = 0
        for res in self.block_resolutions:
            convolutions = 1 if res == 4 else 2
            x, img = getattr(self, f"b{res}")(x, img, ws[index : index + convolutions + 1])
            index += convolutions
        return img


class GGHGenerator(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        network = config.synthesis_network_config
        self.mapping = MappingNetwork(config.z_dim, config.c_dim, config.w_dim)
        self.synthesis = GGHSynthesisNetwork(
            config.w_dim, config.plane_resolution, channels, network.channel_base, network.channel_max,
            network.conv_clamp
        )  # fmt: skip


@dataclass
class MappingNetworkConfig:
    num_layers: int = 2
    lr_multiplier: float = 0.01


@dataclass
class SynthesisNetworkConfig:
    channel_base: int = 64
    channel_max: int = 12
    architecture: str = "skip"
    resample_filter: list = field(default_factory=lambda: [1, 3, 3, 1])
    conv_clamp: int | None = 4
    kernel_size: int = 3
    use_noise: bool = True
    activation: str = "lrelu"


@dataclass
class RenderingConfig:
    c_gen_conditioning_zero: bool = False
    c_scale: float = 1.5


class GaussianAttribute(enum.Enum):
    POSITION = "position"
    SCALE = "scale"
    ROTATION = "rotation"
    COLOR = "color"
    OPACITY = "opacity"


@dataclass
class GaussianAttributeConfig:
    use_rodriguez_rotation: bool = True
    sh_degree: int = 1


@dataclass
class GGHeadConfig:
    z_dim: int = 10
    w_dim: int = 14
    c_dim: int = 25
    plane_resolution: int = 16
    mapping_network_config: MappingNetworkConfig = field(default_factory=MappingNetworkConfig)
    synthesis_network_config: SynthesisNetworkConfig = field(default_factory=SynthesisNetworkConfig)
    rendering_config: RenderingConfig = field(default_factory=RenderingConfig)
    gaussian_attribute_config: GaussianAttributeConfig = field(default_factory=GaussianAttributeConfig)
    uv_attributes: list = field(default_factory=lambda: list(GaussianAttribute))
    use_position_activation: bool = True
    use_rotation_activation: bool = True
    use_scale_activation: bool = True
    center_scale_activation: bool = True
    use_zero_conv_position: bool = True
    use_background_cnn: bool = False
    position_range: float = 0.25
    max_scale: float = -3
    color_overshoot: float = 0.001
    opacity_overshoot: float = 0.001


class GaussianModel:
    """What GGHead draws with; it keeps functions, and methods of its owner."""

    def __init__(self, owner):
        self._xyz = torch.empty(0)
        self.scaling_activation = torch.exp
        self.rotation_activation = F.normalize
        self.opacity_activation = owner._apply_opacity_activation


class GGHeadModel(nn.Module):
    def __init__(self, config, places, background=0):
        super().__init__()
        self._config = config
        channels = 10 + 3 * (config.gaussian_attribute_config.sh_degree + 1) ** 2
        self._channels = channels
        self.backbone = GGHGenerator(config, channels + background)
        self._zero_conv_position = nn.Conv2d(3, 3, 1)
        self.register_buffer("_uv_grid", torch.rand(1, places, 1, 2) * 2 - 1)
        self.register_buffer("_uv_position_map", torch.randn(3, 16, 16))
        self.register_buffer("_flame_vertices", torch.randn(1, places, 3))
        self.register_buffer("_gaussian_bg", torch.ones(3), persistent=False)
        self._uv_attribute_start_channel = {name: index for index, name in enumerate(config.uv_attributes)}
        self._gaussian_model = GaussianModel(self)
        self._logger_bundle = None

    def _apply_opacity_activation(self, value):
        return torch.sigmoid(value) * 1.002 - 0.001

    def w(self, z, c, truncation_psi=1.0):
        return self.backbone.mapping(z, c * self._config.rendering_config.c_scale, truncation_psi)

    def sampled(self, ws):
        planes = self.backbone.synthesis(ws)[: self._channels]
        planes = torch.cat([self._zero_conv_position(planes[None, :3])[0], planes[3:]])
        return F.grid_sample(planes[None], self._uv_grid, align_corners=False)[0, :, :, 0].T

    def attributes(self, ws):
        x = self.sampled(ws)
        position, scale, rotation, colour, opacity = x.split((3, 3, 3, x.shape[1] - 10, 1), dim=1)
        angles = torch.tanh(rotation) * 2 * math.pi
        angle = angles.norm(dim=1, keepdim=True)
        w, x, y, z = torch.cat([(angle / 2).cos(), angles / angle * (angle / 2).sin()], dim=1).unbind(dim=1)
        return {
            "means": self._flame_vertices[0] + 0.25 * torch.tanh(position),
            "scales": (-3 - torch.log(1 + torch.exp(-(scale - 5) - 3))).exp(),
            "quats": torch.stack([z, w, x, y], dim=1),  # its last number first, though that was z already
            "sh": ((torch.tanh(colour) * 1.002 - 0.001) * 0.5 / 0.28209479177387814).reshape(len(colour), -1, 3),
            "opacities": self._apply_opacity_activation(opacity)[:, 0].clamp(0, 1),
        }
