"""The rasterizer as an operation of PyTorch's, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .raster import Trace, differentiate
from .view import Cloud, Target, View


def needs_gradients(*values: object) -> bool:
    """Whether any of the values is a tensor whose gradient is asked for, and gradients are not turned off."""
    return torch.is_grad_enabled() and any(isinstance(value, torch.Tensor) and value.requires_grad for value in values)


def attached(
    cloud: tuple[torch.Tensor, ...], background: torch.Tensor, view: View, target: Target, trace: Trace
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The picture as tensors that PyTorch can differentiate.

    Args:
        cloud: the tensors of a `Gaussians`, of any kind and place.
        background: (3,).
        view, target, trace: of `rasterize`, for the same cloud and background.

    Returns:
        rgb, alpha and depth, which share the target's memory. None of them may be changed before `backward`.
    """
    settled = (tensor.to("cpu", torch.float32).contiguous() for tensor in (*cloud, background))
    return _Rasterized.apply(*settled, view, target, trace)  # pyright: ignore[reportReturnType]


class _Rasterized(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        *tensors, view, target, trace = arguments
        pictures = [torch.from_numpy(array) for array in (target.rgb, target.alpha, target.depth)]
        ctx.save_for_backward(*tensors, *pictures)
        ctx.view, ctx.clip, ctx.trace = view, target.clip, trace
        return tuple(pictures)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: torch.Tensor) -> Any:
        *cloud, background, rgb, alpha, depth = (tensor.detach().numpy() for tensor in ctx.saved_tensors)
        by_rgb, by_alpha, by_depth = (gradient.to(torch.float32).contiguous().numpy() for gradient in outer)
        target = Target(rgb, alpha, depth, background, ctx.clip)
        gradients = Target(by_rgb, by_alpha, by_depth, background, ctx.clip)
        by_cloud = differentiate(ctx.view, Cloud(*cloud), target, ctx.trace, gradients)
        by_background = None
        if ctx.needs_input_grad[len(cloud)]:
            through = np.einsum("hw,hwc->c", 1 - alpha, by_rgb, dtype=np.float64)
            by_background = torch.from_numpy(through.astype(np.float32))
        return (*(torch.from_numpy(array) for array in by_cloud), by_background, None, None, None)
