"""What controls, correctives and latents add to some rows of an array, in memory and in a .dgt file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DGTalkerError
from . import dgt, numbers


@dataclass(frozen=True)
class SparseDeltas:
    """What each control, then each corrective, then each latent adds to some rows of an array.

    Attributes:
        offsets: int64 (B + 1,), block b (a control, a corrective or a latent) owns the entries offsets[b] to
            offsets[b + 1].
        index: int64 (M,), rows.
        values: float32 (M, D), added per unit of weight.
    """

    offsets: np.ndarray
    index: np.ndarray
    values: np.ndarray

    @classmethod
    def from_dense(cls, dense: np.ndarray, threshold: float) -> SparseDeltas:
        """From float (B, N, D), leaving out rows in which no number exceeds `threshold`."""
        kept = np.abs(dense).max(axis=2, initial=0) > threshold
        block, row = np.nonzero(kept)
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        return cls(offsets, row, dense[block, row].astype(np.float32))

    def dense(self, rows: int) -> np.ndarray:
        """float32 (B, rows, D)."""
        dense = np.zeros((len(self.offsets) - 1, rows, self.values.shape[1]), np.float32)
        dense[np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets)), self.index] = self.values
        return dense


def check(specs: dgt.Specs, prefix: str, blocks: int, widths: tuple[int, ...]) -> None:
    """Raises DGTalkerError where the deltas are not announced as docs/dgt.md says."""
    dgt.expect(specs, f"{prefix}.offsets", "U32", (blocks + 1,))
    entries = dgt.expect(specs, f"{prefix}.index", "U16 U32", (None,)).shape[0]
    shape = specs[f"{prefix}.value"].shape if f"{prefix}.value" in specs else ()
    width = next((width for width in widths[1:] if shape[1:] == (width,)), widths[0])
    numbers.expect(specs, f"{prefix}.value", (entries, width))


def read(tensors: dgt.Tensors, prefix: str, rows: int) -> SparseDeltas:
    offsets = tensors[f"{prefix}.offsets"].astype(np.int64)
    index = tensors[f"{prefix}.index"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != len(index) or np.any(np.diff(offsets) < 0):
        raise DGTalkerError(f"The avatar's {prefix}.offsets do not fit its entries.", dgt.DAMAGED)
    if len(index) and index.max() >= rows:
        raise DGTalkerError(f"The avatar's {prefix}.index points at row {index.max()} of {rows}.", dgt.DAMAGED)
    return SparseDeltas(offsets, index, numbers.read(tensors, f"{prefix}.value"))


def write(prefix: str, deltas: SparseDeltas, rows: int) -> dict[str, np.ndarray]:
    """The tensors of `deltas`, entries that are alike side by side, so that they share a fine scale."""
    block = np.repeat(np.arange(len(deltas.offsets) - 1), np.diff(deltas.offsets))
    order = np.lexsort((deltas.index, morton(deltas.values, block, len(deltas.offsets) - 1), block))
    return {
        f"{prefix}.offsets": deltas.offsets.astype(np.uint32),
        f"{prefix}.index": deltas.index[order].astype(np.uint16 if rows <= 1 << 16 else np.uint32),
    } | numbers.write(f"{prefix}.value", deltas.values[order], "I8")


def morton(values: np.ndarray, block: np.ndarray, blocks: int) -> np.ndarray:
    """Morton codes (M,) of the values' first three columns within each block's range."""
    columns = values[:, :3].astype(np.float64)
    low, high = np.full((blocks, columns.shape[1]), np.inf), np.full((blocks, columns.shape[1]), -np.inf)
    np.minimum.at(low, block, columns)
    np.maximum.at(high, block, columns)
    span = np.maximum(high - low, 1e-12).max(axis=1, keepdims=True)[block] if len(block) else 1.0
    cells = ((columns - low[block]) / span * 1023).astype(np.int64)
    code = np.zeros(len(columns), np.int64)
    for bit in range(10):
        for column in range(cells.shape[1]):
            code |= (cells[:, column] >> bit & 1) << (bit * cells.shape[1] + column)
    return code
