"""The rasterizer as an operation of PyTorch's, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from ..arrays import CloudArrays
from .raster import ForwardState, differentiate
from .view import Framebuffer, View


def attached(
    cloud: tuple[torch.Tensor, ...], background: torch.Tensor, view: View, frame: Framebuffer, state: ForwardState
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The picture as tensors that PyTorch can differentiate.

    Args:
        cloud: the tensors of a `Gaussians`, of any kind and place.
        background: (3,).
        view, frame, state: of `rasterize`, for the same cloud and background.

    Returns:
        rgb, alpha and depth, which share the frame's memory. None of them may be changed before `backward`.
    """
    settled = (tensor.to("cpu", torch.float32).contiguous() for tensor in (*cloud, background))
    return _Rasterized.apply(*settled, view, frame, state)


class _Rasterized(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        *tensors, view, frame, state = arguments
        pictures = [torch.from_numpy(array) for array in (frame.rgb, frame.alpha, frame.depth)]
        ctx.save_for_backward(*tensors, *pictures)
        ctx.view, ctx.state = view, state
        return tuple(pictures)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: torch.Tensor) -> Any:
        *cloud, background, rgb, alpha, depth = (tensor.detach().numpy() for tensor in ctx.saved_tensors)
        by_rgb, by_alpha, by_depth = (gradient.to(torch.float32).contiguous().numpy() for gradient in outer)
        frame = Framebuffer(rgb=rgb, alpha=alpha, depth=depth, background=background)
        gradients = Framebuffer(rgb=by_rgb, alpha=by_alpha, depth=by_depth, background=background)
        by_cloud = differentiate(ctx.view, CloudArrays(*cloud), frame, ctx.state, gradients)
        by_background = None
        if ctx.needs_input_grad[len(cloud)]:
            through = np.einsum("hw,hwc->c", 1 - alpha, by_rgb, dtype=np.float64)
            by_background = torch.from_numpy(through.astype(np.float32))
        return (*(torch.from_numpy(array) for array in by_cloud), by_background, None, None, None)
