"""Posing in PyTorch: on any device, in any precision, with gradients to the weights. `posing` is the quick way on the
processor, where nobody asks for gradients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ....gaussians.cloud import Gaussians
from ...latents import Latents
from ...sparse import SparseDeltas


class _Deltas:
    """What one unit of each block (a control, a corrective or a latent) adds to the rows of an array, on a device."""

    def __init__(self, deltas: SparseDeltas, device: torch.device, dtype: torch.dtype) -> None:
        self.counts = torch.as_tensor(np.diff(deltas.offsets), device=device)
        self.index = torch.as_tensor(deltas.index, device=device)
        self.values = torch.as_tensor(deltas.values, dtype=dtype, device=device)

    def added(self, base: torch.Tensor, block_weights: torch.Tensor) -> torch.Tensor:
        """base (N, D) plus the sum of its deltas at block_weights (B,)."""
        each = block_weights.repeat_interleave(self.counts, output_size=len(self.index))
        return base.index_add(0, self.index, each[:, None] * self.values)


class TensorBlendshapes:
    """The arrays of a `LinearAvatar` on a device.

    Args:
        base: float32 arrays by attribute.
        deltas: of some of them.
        limits: of those that have deltas, the least and the most that a number may be.
        factors: int (K, most), the controls of each corrective, C where there is none.
        latents: of the metadata.
        turns: (C, J, 3), each control's rotation vector for each joint.
        pivots: (J, 3).
        joint_weights: uint8 (J, N), in 255ths.
        device: where to pose.
        dtype: in what precision.
    """

    def __init__(
        self,
        *,
        base: Mapping[str, np.ndarray],
        deltas: Mapping[str, SparseDeltas],
        limits: Mapping[str, tuple[float, float]],
        factors: np.ndarray,
        latents: Latents | None,
        turns: np.ndarray,
        pivots: np.ndarray,
        joint_weights: np.ndarray,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        # `as_tensor` may share memory with the avatar's arrays; nothing here is written to or handed out
        self._base = {name: tensor(array) for name, array in base.items()}
        self._deltas = {name: _Deltas(each, device, dtype) for name, each in deltas.items()}
        self._limits = {name: bounds for name, bounds in limits.items() if name in deltas}
        self._factors = torch.as_tensor(factors, dtype=torch.int64, device=device)
        self._latents = latents
        rows = (np.zeros((len(turns), 0)), np.zeros(0)) if latents is None else latents.tensors
        self._latents_linear, self._latents_offset = (
            torch.as_tensor(each, dtype=dtype, device=device) for each in rows
        )
        self._turns, self._pivots = tensor(turns), tensor(pivots)
        self._joint_weights = torch.as_tensor(joint_weights, device=device)

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        deltas = [array for each in self._deltas.values() for array in (each.counts, each.index, each.values)]
        rest = [
            self._factors,
            self._turns,
            self._pivots,
            self._joint_weights,
            self._latents_linear,
            self._latents_offset,
        ]
        return sum(array.nbytes for array in (*self._base.values(), *deltas, *rest))

    def pose(self, weights: torch.Tensor) -> Gaussians:
        """The Gaussians at weights (C,), on the same device; `LinearAvatar` says how they come about."""
        products = torch.cat([weights, weights.new_ones(1)])[self._factors].prod(dim=1)
        blocks = [weights, products]
        if self._latents is not None:
            blocks.append(self._latents.bounded(self._latents_offset + weights @ self._latents_linear))
        block_weights = torch.cat(blocks)
        posed = {name: self._summed(name, block_weights) for name in self._base}
        posed["quats"] = torch.nn.functional.normalize(posed["quats"], dim=1)
        for name, (least, most) in self._limits.items():
            posed[name] = posed[name].clamp(least, most)
        vectors = torch.tensordot(weights, self._turns, 1)
        for vector, pivot, joint_weight in zip(vectors, self._pivots, self._joint_weights, strict=True):
            turns = _quaternions(joint_weight.to(vector.dtype)[:, None] / 255 * vector)
            posed["means"] = pivot + _turned(turns, posed["means"] - pivot)
            posed["quats"] = _product(turns, posed["quats"])
        return Gaussians(**posed)

    def _summed(self, name: str, block_weights: torch.Tensor) -> torch.Tensor:
        base = self._base[name]
        if name not in self._deltas:
            return base.clone()
        deltas = self._deltas[name]
        if name == "sh" and deltas.values.shape[1] < base[0].numel():  # degree 0 of several
            constant = deltas.added(base[:, 0], block_weights)
            return torch.cat([constant[:, None], base[:, 1:]], dim=1)
        return deltas.added(base.reshape(len(base), -1), block_weights).reshape(base.shape)


# Written here: scipy's rotations have gradients only where SCIPY_ARRAY_API=1 was set before it was imported, and take
# 11 ms where these take 6 (40,000 Gaussians, forward and backward, two cores).
def _quaternions(vectors: torch.Tensor) -> torch.Tensor:
    """Unit quaternions wxyz (N, 4) of rotation vectors (N, 3); smooth where a vector is 0, too."""
    half = torch.linalg.vector_norm(vectors, dim=1, keepdim=True) / 2
    return torch.cat([torch.cos(half), vectors / 2 * torch.sinc(half / torch.pi)], dim=1)


def _turned(quats: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Vectors (N, 3) turned by unit quaternions: v + 2 u × (u × v + w v)."""
    real, axis = quats[:, :1], quats[:, 1:]
    return vectors + 2 * torch.linalg.cross(axis, torch.linalg.cross(axis, vectors) + real * vectors)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Hamilton's product of wxyz quaternions (N, 4)."""
    real = a[:, :1] * b[:, :1] - (a[:, 1:] * b[:, 1:]).sum(dim=1, keepdim=True)
    imaginary = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + torch.linalg.cross(a[:, 1:], b[:, 1:])
    return torch.cat([real, imaginary], dim=1)
