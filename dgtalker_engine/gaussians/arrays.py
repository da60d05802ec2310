"""Between PyTorch's tensors and the arrays that the kernels take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .cloud import FIELDS, Gaussians


class CloudArrays(NamedTuple):
    """The arrays of `Gaussians`, float32 and contiguous, as Numba takes them."""

    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    sh: np.ndarray


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """A view of the tensor's memory, where it is float32, contiguous and the processor's; a copy otherwise."""
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy()


def arrays_of(gaussians: Gaussians) -> CloudArrays:
    """The cloud's arrays: see `array_of`."""
    return CloudArrays(**{name: array_of(getattr(gaussians, name)) for name in FIELDS})


def coloured_like(cloud: CloudArrays) -> CloudArrays:
    """Room for a cloud that was moved, with the colours that a camera sees: degree 0. What stays as it is is shared."""
    return CloudArrays(
        means=np.empty_like(cloud.means),
        quats=np.empty_like(cloud.quats),
        scales=np.empty_like(cloud.scales),
        opacities=cloud.opacities,
        sh=cloud.sh if cloud.sh.shape[1] == 1 else np.empty((len(cloud.sh), 1, 3), np.float32),
    )


def gaussians_of(arrays: CloudArrays) -> Gaussians:
    """A cloud on the processor that shares the arrays' memory."""
    return Gaussians(**{name: torch.from_numpy(array) for name, array in arrays._asdict().items()})


def tensors_of(gaussians: Gaussians) -> tuple[torch.Tensor, ...]:
    """The cloud's tensors in the order of `CloudArrays`."""
    return tuple(getattr(gaussians, name) for name in FIELDS)


def stays_tensors(gaussians: Gaussians) -> bool:
    """Whether a stage works on the cloud's tensors: they are on a GPU, or their gradients are asked for."""
    return gaussians.means.device.type != "cpu" or needs_gradients(*tensors_of(gaussians))


def needs_gradients(*values: object) -> bool:
    """Whether any of the values is a tensor whose gradient is asked for, and gradients are not turned off."""
    return torch.is_grad_enabled() and any(isinstance(value, torch.Tensor) and value.requires_grad for value in values)
