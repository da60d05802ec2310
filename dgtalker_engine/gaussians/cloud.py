"""A cloud of Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..errors import DGTalkerError

FIELDS = ("means", "quats", "scales", "opacities", "sh")


@dataclass(frozen=True, kw_only=True)
class Gaussians:
    """A cloud of N Gaussians, float32 tensors on one device.

    Attributes:
        means: (N, 3), metres.
        quats: (N, 4), wxyz, unit length.
        scales: (N, 3), metres, one standard deviation along each axis of the rotated Gaussian.
        opacities: (N,), 0 to 1.
        sh: (N, K, 3), spherical harmonics of degree 0 to 3 (K = 1, 4, 9 or 16) of the sRGB colour minus 0.5.
    """

    means: torch.Tensor
    quats: torch.Tensor
    scales: torch.Tensor
    opacities: torch.Tensor
    sh: torch.Tensor

    def __post_init__(self) -> None:
        n, k = len(self.means), self.sh.shape[1] if self.sh.ndim == 3 else 0
        expected = {
            "means": (n, 3),
            "quats": (n, 4),
            "scales": (n, 3),
            "opacities": (n,),
            "sh": (n, k, 3),
        }
        for name, shape in expected.items():
            if tuple(getattr(self, name).shape) != shape:
                raise DGTalkerError(f"The {name} of {n} Gaussians must have the shape {shape}.")
        if k not in (1, 4, 9, 16):
            raise DGTalkerError(f"Spherical harmonics have 1, 4, 9 or 16 coefficients, not {k}.")

    def __len__(self) -> int:
        return len(self.means)

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Gaussians:
        """The cloud with every tensor changed by a function."""
        return Gaussians(**{name: change(getattr(self, name)) for name in FIELDS})

    def check_values(self) -> None:
        """Raises DGTalkerError, saying which, where values are not finite or a quaternion has no direction."""
        for name in FIELDS:
            finite = torch.isfinite(getattr(self, name))
            usable = finite.reshape(len(self), math.prod(finite.shape[1:])).all(dim=1)
            fault = "that are not finite numbers"
            if name == "quats" and usable.all():
                usable, fault = (self.quats != 0).any(dim=1), "of length 0"
            if not usable.all():
                count, first = int((~usable).sum()), int((~usable).nonzero()[0])
                raise DGTalkerError(
                    f"{count} of {len(self)} Gaussians have {name} {fault}; the first is number {first}.",
                    "The avatar's file, or what poses it, is damaged.",
                )
