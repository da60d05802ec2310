"""Clouds to the GPU, pictures back: what lies on the processor goes through pinned memory, in one copy each way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..arrays import array_of, needs_gradients, tensors_of
from ..cloud import FIELDS, Gaussians


class DeviceClouds(NamedTuple):
    """B clouds of N Gaussians each, float32, contiguous, on the GPU.

    Attributes:
        means, quats, scales, opacities, sh: (B, N, 3), (B, N, 4), (B, N, 3), (B, N) and (B, N, K, 3).
        checks: (2,): the sum of everything, and the least square length of a quaternion. A value that is not finite
            makes the first one so; a quaternion of length 0 makes the second one 0.
    """

    means: torch.Tensor
    quats: torch.Tensor
    scales: torch.Tensor
    opacities: torch.Tensor
    sh: torch.Tensor
    checks: torch.Tensor


def upload(clouds: Sequence[Gaussians], device: torch.device) -> DeviceClouds:
    """Clouds of one shape, with at least one Gaussian, side by side; attached to their graph where they have one."""
    tensors = [tensor for cloud in clouds for tensor in tensors_of(cloud)]
    if needs_gradients(*tensors) or any(tensor.device.type != "cpu" for tensor in tensors):
        fields = {name: _stacked([getattr(cloud, name) for cloud in clouds], device) for name in FIELDS}
        flat = torch.cat([field.detach().reshape(-1) for field in fields.values()])
    else:
        flat = _copied(clouds, device)
        shapes = [(len(clouds), *tensor.shape) for tensor in tensors_of(clouds[0])]
        sizes = [int(np.prod(shape)) for shape in shapes]
        pieces = zip(FIELDS, flat.split(sizes), shapes, strict=True)
        fields = {name: piece.view(shape) for name, piece, shape in pieces}
    checks = torch.stack([flat.sum(), fields["quats"].detach().square().sum(-1).min()])
    return DeviceClouds(**fields, checks=checks)


def _stacked(tensors: Sequence[torch.Tensor], device: torch.device) -> torch.Tensor:
    settled = [tensor.to(device, torch.float32).contiguous() for tensor in tensors]
    return settled[0][None] if len(settled) == 1 else torch.stack(settled)


def _copied(clouds: Sequence[Gaussians], device: torch.device) -> torch.Tensor:
    """All fields of all clouds in a row, copied at once.

    NumPy fills the pinned buffer: after PyTorch's operations on the processor its threads wait busily for a while.
    """
    shapes = {name: (len(clouds), *getattr(clouds[0], name).shape) for name in FIELDS}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    host = torch.empty(sum(sizes), dtype=torch.float32, pin_memory=device.type == "cuda")
    pieces = np.split(host.numpy(), np.cumsum(sizes)[:-1])
    for piece, (name, shape) in zip(pieces, shapes.items(), strict=True):
        np.stack([array_of(getattr(cloud, name)) for cloud in clouds], out=piece.reshape(shape))
    return host.to(device, non_blocking=True)


def download(tensors: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """Copies tensors into pinned memory, which the arrays keep as long as one of them lives, and waits for it."""
    arrays: list[np.ndarray] = []
    for tensor in tensors:
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        host.copy_(tensor, non_blocking=True)
        arrays.append(host.numpy())
    if any(tensor.is_cuda for tensor in tensors):
        torch.cuda.current_stream().synchronize()
    return arrays
