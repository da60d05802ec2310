"""StyleGAN2's filter 1-3-3-1, which every upsampling uses, and its readable reference.

Karras et al., "Analyzing and improving the image quality of StyleGAN" (2020), after Zhang, "Making convolutional
networks shift-invariant again" (2019). What lies outside of a picture is 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FILTER = (0.125, 0.375, 0.375, 0.125)


def upsample(planes: Tensor) -> Tensor:
    """Twice the size: (B, C, H, W) → (B, C, 2 H, 2 W).

    Between zeros that are put around it, bilinear interpolation is this filter: 3/4 of the near texel, 1/4 of the far.
    """
    around = F.interpolate(F.pad(planes, (1, 1, 1, 1)), scale_factor=2, mode="bilinear", align_corners=False)
    return around[..., 2:-2, 2:-2]


def upsampling_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """Zeros between texels, convolution by a kernel, the filter: (B, I, H, W), (O, I, 3, 3) → (B, O, 2 H, 2 W)."""
    wide = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    # Four times the filter, since three of four texels are zeros: twice along each axis.
    taps = 2 * torch.tensor(FILTER, dtype=x.dtype, device=x.device)
    return F.conv2d(wide, torch.outer(taps, taps).expand(len(weight), 1, 4, 4), padding=1, groups=len(weight))


def reference_upsample(planes: Tensor) -> Tensor:
    """`upsample` by its definition."""
    batch, channels, height, width = planes.shape
    between = planes.new_zeros(batch, channels, 2 * height, 2 * width)
    between[..., ::2, ::2] = planes
    return _filtered(F.pad(between, (2, 1, 2, 1)))


def reference_upsampling_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """`upsampling_convolution` by its definition. It is a convolution: the kernel is turned round."""
    batch, channels, height, width = x.shape
    between = x.new_zeros(batch, channels, 2 * height, 2 * width)
    between[..., ::2, ::2] = x
    return _filtered(F.conv2d(F.pad(between, (3, 2, 3, 2)), weight.flip(2, 3)))


def _filtered(planes: Tensor) -> Tensor:
    taps = 2 * torch.tensor(FILTER, dtype=planes.dtype, device=planes.device)
    height, width = planes.shape[-2] - 3, planes.shape[-1] - 3
    result = torch.zeros_like(planes[..., 3:, 3:])
    for i in range(4):
        for j in range(4):
            result = result + taps[i] * taps[j] * planes[..., i : i + height, j : j + width]
    return result
