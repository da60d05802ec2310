"""Losses between pictures, sRGB from 0 to 1."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import similarity_kernels
from .similarity_kernels import C1, C2, TAPS, WINDOW


def l1(picture: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (picture - wanted).abs().mean()


def d_ssim(picture: Tensor, wanted: Tensor) -> Tensor:
    """1 - SSIM, as 3D Gaussian Splatting (Kerbl et al. 2023, eq. 7) trains with.

    SSIM is that of Wang et al. 2004: windows of 11 × 11 pixels weighted by a Gaussian of sigma 1.5, and of these the
    mean over colours and over all windows that lie in the picture as a whole. Pictures of float32 on the processor
    take compiled kernels, whose result is the same for any number of threads; others `ssim_reference`.

    Args:
        picture: (…, H, W, 3), sides of at least 11; its gradient is computed.
        wanted: the same shape, a constant.

    Raises:
        ValueError: the shapes differ or are too small, or the gradient by `wanted` is asked for.
    """
    return 1 - ssim(picture, wanted)


def ssim(picture: Tensor, wanted: Tensor) -> Tensor:
    """The mean structural similarity that `d_ssim` describes."""
    if picture.shape != wanted.shape or picture.ndim < 3 or picture.shape[-1] != 3 or min(picture.shape[-3:-1]) < TAPS:
        sizes = f"{tuple(picture.shape)} and {tuple(wanted.shape)}"
        raise ValueError(f"pictures are (…, H, W, 3) with sides of at least {TAPS}, not {sizes}")
    if wanted.requires_grad:
        raise ValueError("the gradient is that by the first picture")
    if picture.device.type == wanted.device.type == "cpu" and picture.dtype == wanted.dtype == torch.float32:
        # torch declares what a function of its own returns as anything.
        return _Ssim.apply(picture, wanted)  # pyright: ignore[reportReturnType]
    return ssim_reference(picture, wanted)


def ssim_reference(picture: Tensor, wanted: Tensor) -> Tensor:
    """`ssim` in PyTorch, for any device and kind of number."""
    window = torch.as_tensor(WINDOW, dtype=picture.dtype, device=picture.device)

    def blurred(image: Tensor) -> Tensor:
        planes = image.reshape(-1, *image.shape[-3:]).permute(0, 3, 1, 2).flatten(0, 1)[:, None]
        return F.conv2d(F.conv2d(planes, window.reshape(1, 1, -1, 1)), window.reshape(1, 1, 1, -1))

    mean_a, mean_b = blurred(picture), blurred(wanted)
    var_a, var_b = blurred(picture * picture) - mean_a**2, blurred(wanted * wanted) - mean_b**2
    both = blurred(picture * wanted) - mean_a * mean_b
    numerator = (2 * mean_a * mean_b + C1) * (2 * both + C2)
    return (numerator / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))).mean()


class _Ssim(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, wanted: Tensor) -> Tensor:
        ctx.shape = picture.shape
        pictures, others = (image.detach().contiguous().reshape(-1, *image.shape[-3:]) for image in (picture, wanted))
        totals, derivatives = similarity_kernels.similarity(pictures.numpy(), others.numpy())
        ctx.save_for_backward(pictures, others, torch.from_numpy(derivatives))
        ctx.windows = pictures.numel() // (pictures.shape[1] * pictures.shape[2])
        ctx.windows *= (pictures.shape[1] - TAPS + 1) * (pictures.shape[2] - TAPS + 1)
        return torch.tensor(totals.sum() / ctx.windows, dtype=torch.float32)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> Any:
        pictures, others, derivatives = (tensor.numpy() for tensor in ctx.saved_tensors)
        scale = float(outer[0]) / ctx.windows
        gradient = similarity_kernels.gradient(pictures, others, derivatives, scale)
        return torch.from_numpy(gradient).reshape(ctx.shape), None
