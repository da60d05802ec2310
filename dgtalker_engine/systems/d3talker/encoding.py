"""Tri-plane hash encoding of places that stand still, and products with matrices that hardly have entries.

Places on the canonical face never move, so which entries of the tables they read, and how much of each, is known before
a training: an encoding is one sparse matrix times the tables, and its gradient the transposed one times the encoding's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_PLANES = ((0, 2), (0, 1), (1, 2))  # as one looks from before, from above, from beside
_PRIMES = (1, 2_654_435_761)


class SparseRows:
    """A matrix of n rows, each a weighted sum of k rows of what it is multiplied with.

    Args:
        columns: which rows, int64 (n, k).
        weights: float32 (n, k).
        width: how many rows there are to sum.
    """

    def __init__(self, columns: Tensor, weights: Tensor, width: int) -> None:
        self.columns, self.weights = columns, weights
        if columns.device.type == "cpu":
            count, each = columns.shape
            starts = np.arange(0, count * each + 1, each, dtype=np.int32)
            entries = weights.detach().reshape(-1).numpy(), columns.reshape(-1).numpy().astype(np.int32), starts
            self.matrix = csr_matrix(entries, shape=(count, width))

    def times(self, values: Tensor) -> Tensor:
        """(width, C) → (n, C)."""
        if values.device.type != "cpu":
            return self.reference_times(values)
        return _Product.apply(values, self.matrix)  # pyright: ignore[reportReturnType]

    def reference_times(self, values: Tensor) -> Tensor:
        """`times` in PyTorch, for any device."""
        return (self.weights[..., None] * values[self.columns]).sum(dim=1)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        values, matrix = arguments
        ctx.matrix = matrix
        return torch.from_numpy(matrix @ values.detach().numpy())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> Any:
        return torch.from_numpy(ctx.matrix.T @ outer[0].contiguous().numpy()), None


class TriPlaneHash(nn.Module):
    """Multi-resolution hash tables (Müller et al. 2022) of three planes, as ER-NeRF and TalkingGaussian have them.

    Args:
        places: P of them, 0 to 1 (P, 3).
        levels: resolutions of each plane.
        coarsest, finest: cells along a side.
        entries: of a table.
        features: numbers of an entry.

    Attributes:
        width: numbers of a place's encoding.
    """

    def __init__(self, places: Tensor, *, levels: int, coarsest: int, finest: int, entries: int, features: int) -> None:
        super().__init__()
        self.width = len(_PLANES) * levels * features
        resolutions = np.geomspace(coarsest, finest, levels).round().astype(int)
        # Neighbours say much the same at first, and what is far something else: few steps can begin with that.
        amounts = (
            torch.from_numpy((coarsest / resolutions) ** 0.5).float().repeat(len(_PLANES)).repeat_interleave(entries)
        )
        self.tables = nn.Parameter(torch.randn(len(amounts), features) * amounts[:, None])
        columns, weights = zip(
            *(
                _cells(places[:, list(plane)], int(resolution), entries)
                for plane in _PLANES
                for resolution in resolutions
            ),
            strict=True,
        )
        # a place's rows follow each other, so that its encoding is one row
        first = entries * torch.arange(len(columns))[:, None]
        which = (torch.stack(columns, dim=1) + first).flatten(0, 1)
        self._rows = SparseRows(which, torch.stack(weights, dim=1).flatten(0, 1), len(self.tables))

    def forward(self) -> Tensor:
        """Of all places (P, `width`)."""
        return self._rows.times(self.tables).reshape(-1, self.width)


def _cells(places: Tensor, resolution: int, entries: int) -> tuple[Tensor, Tensor]:
    """Which entries of a table the corners of places' cells are, and how much each counts: (P, 4) both."""
    scaled = places.clamp(0, 1) * resolution
    low = scaled.floor().clamp_max(resolution - 1)
    share = scaled - low
    columns, weights = [], []
    for right in (0, 1):
        for up in (0, 1):
            x, y = low[:, 0].long() + right, low[:, 1].long() + up
            dense = (resolution + 1) ** 2 <= entries
            columns.append(x + (resolution + 1) * y if dense else (x * _PRIMES[0] ^ y * _PRIMES[1]) % entries)
            weights.append((share[:, 0] if right else 1 - share[:, 0]) * (share[:, 1] if up else 1 - share[:, 1]))
    return torch.stack(columns, dim=1), torch.stack(weights, dim=1)
