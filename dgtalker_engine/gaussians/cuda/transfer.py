"""Clouds to the GPU, pictures back: through pinned memory, in one copy each way for every array of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..cloud import Gaussians
from ..rendering import array_of


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
    """Clouds of one shape, with at least one Gaussian, side by side.

    NumPy fills the pinned buffer: after PyTorch's operations on the processor its threads wait busily for a while.
    """
    count, n = len(clouds), len(clouds[0])
    shapes = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "sh": tuple(clouds[0].sh.shape[1:])}
    sizes = [count * n * int(np.prod(shape)) for shape in shapes.values()]
    if any(cloud.means.is_cuda for cloud in clouds):
        tensors = [getattr(cloud, name) for name in shapes for cloud in clouds]
        flat = torch.cat([tensor.detach().to(device, torch.float32).reshape(-1) for tensor in tensors])
    else:
        host = torch.empty(sum(sizes), dtype=torch.float32, pin_memory=device.type == "cuda")
        parts = np.split(host.numpy(), np.cumsum(sizes)[:-1])
        for part, (name, shape) in zip(parts, shapes.items(), strict=True):
            np.stack([array_of(getattr(cloud, name)) for cloud in clouds], out=part.reshape(count, n, *shape))
        flat = host.to(device, non_blocking=True)
    parts = zip(shapes, flat.split(sizes), shapes.values(), strict=True)
    fields = {name: part.view(count, n, *shape) for name, part, shape in parts}
    checks = torch.stack([flat.sum(), fields["quats"].square().sum(-1).min()])
    return DeviceClouds(**fields, checks=checks)


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
