"""Linear Gaussian blendshapes: arrays plus weighted, sparse differences.

    array = base + Σ_c weight_c · delta_c

Rows are taken in blocks, and a control's deltas of a block are either listed row by row or, where it moves a good part
of them, written out for all, which needs no indices and is added 16 numbers at a time. Controls of weight 0 are not
even read. A thread adds every control to a block while it is in the processor's nearest cache. The order of the sum
depends on the deltas alone, whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ....kernels import thread_pool
from ....kernels.compilation import kernel
from ....kernels.simd import LANES, WIDTH, add_row, load, store
from ....kernels.thread_pool import atomic_increment

ROWS = 256  # of a block
_DENSE = 0.4  # of a block's rows, from where on all are written out


class Blendshapes(NamedTuple):
    """An array, and what one unit of each control adds to it.

    Attributes:
        base: float32 (N, D).
        values: float32, the deltas, block by block and control by control; WIDTH zeros at the end.
        first_value: int64 (blocks, controls), where those of a control begin.
        dense: bool (blocks, controls), whether there are values for all rows of the block.
        rows: uint8, of those that are listed, counted from the block's first.
        counts: int64 (blocks, controls), how many rows are listed.
        last_row: int64 (blocks, controls), where those of a control end, and the next one's begin.
        unit: whether rows of the sum are made as long as 1.
        least, most: what numbers of the sum are brought between.
    """

    base: np.ndarray
    values: np.ndarray
    first_value: np.ndarray
    dense: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    last_row: np.ndarray
    unit: bool
    least: float
    most: float


def blendshapes(
    base: np.ndarray,
    offsets: np.ndarray,
    index: np.ndarray,
    values: np.ndarray,
    *,
    unit: bool = False,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Blendshapes:
    """Puts sparse deltas in the order in which they are added.

    Args:
        base: (N, …); what follows N is one row.
        offsets: (controls + 1,): control c has the entries offsets[c] to offsets[c + 1].
        index: (entries,), rows of the base, in any order, the same one also twice.
        values: (entries, D).
        unit: make rows of the sum as long as 1.
        limits: bring numbers of the sum between these two.
    """
    flat = np.ascontiguousarray(base.reshape(len(base), int(np.prod(base.shape[1:]))), np.float32)
    width, blocks, controls = flat.shape[1], -(-len(flat) // ROWS), len(offsets) - 1
    cell = index // ROWS * controls + np.repeat(np.arange(controls), np.diff(offsets))
    order = np.argsort(cell, kind="stable")
    cell, row = cell[order], index[order] % ROWS
    counts = np.bincount(cell, minlength=blocks * controls)
    height = np.repeat(np.minimum(ROWS, len(flat) - np.arange(blocks) * ROWS), controls)
    dense = counts > _DENSE * height
    sizes = np.where(dense, height, counts) * width
    first_value = np.cumsum(sizes) - sizes
    ordered = np.zeros(int(sizes.sum()) + WIDTH, np.float32)
    # Listed rows follow one another; where all rows are written out, each has its own place.
    nth = np.arange(len(cell)) - (np.cumsum(counts) - counts)[cell]
    first = first_value[cell] + np.where(dense[cell], row, nth) * width
    np.add.at(ordered, (first[:, None] + np.arange(width)).reshape(-1), values[order].astype(np.float32).reshape(-1))
    counts[dense] = 0
    shape = (blocks, controls)
    return Blendshapes(
        base=flat,
        values=ordered,
        first_value=first_value.reshape(shape),
        dense=dense.reshape(shape),
        rows=row[~dense[cell]].astype(np.uint8),
        counts=counts.reshape(shape),
        last_row=np.cumsum(counts).reshape(shape),
        unit=unit,
        least=float(limits[0]),
        most=float(limits[1]),
    )


def pose(shapes: Sequence[Blendshapes], weights: np.ndarray) -> list[np.ndarray]:
    """The arrays (N, D) at float32 weights (controls,)."""
    weights = np.ascontiguousarray(weights, np.float32)
    posed = [np.empty_like(shape.base) for shape in shapes]
    blocks = sum(len(shape.dense) for shape in shapes)
    counters = [np.zeros(1, np.int64) for _ in shapes]
    thread_pool.run(min(thread_pool.thread_count(), max(blocks, 1)), _pose_all, shapes, weights, posed, counters)
    return posed


def _pose_all(
    shapes: Sequence[Blendshapes], weights: np.ndarray, posed: Sequence[np.ndarray], counters: Sequence[np.ndarray]
) -> None:
    for shape, array, counter in zip(shapes, posed, counters, strict=True):
        pose_blocks(shape, weights, array, counter)


@kernel
def pose_blocks(shape, weights, posed, counter):
    """Poses block after block until none is left.

    Args:
        shape: Blendshapes.
        weights: float32 (controls,).
        posed: float32 like the base, written.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    width, total = posed.shape[1], len(posed)
    base, out = shape.base.reshape(-1), posed.reshape(-1)
    values, rows = shape.values, shape.rows
    least, most = np.float32(shape.least), np.float32(shape.most)
    bounded = math.isfinite(least) or math.isfinite(most)
    stride = WIDTH if width == 3 else width
    added = np.empty(ROWS * stride, np.float32)
    while True:
        block = atomic_increment(counter)
        first, last = block * ROWS * width, min((block + 1) * ROWS, total) * width
        if first >= total * width:
            return
        out[first:last] = base[first:last]
        added[:] = 0.0
        whole = first + (last - first) // LANES * LANES
        for control in range(len(weights)):
            weight = weights[control]
            if weight == np.float32(0):
                continue
            at = shape.first_value[block, control]
            end = shape.last_row[block, control]
            begin = end - shape.counts[block, control]
            if shape.dense[block, control]:
                for position in range(first, whole, LANES):
                    store(out, position, load(out, position) + weight * load(values, at + position - first))
                for position in range(whole, last):
                    out[position] += weight * values[at + position - first]
            elif stride == WIDTH:
                # Of a row of three the fourth number is the next row's, added where nobody looks.
                for entry in range(begin, end):
                    add_row(added, WIDTH * np.int64(rows[entry]), values, at, weight)
                    at += width
            else:
                for entry in range(begin, end):
                    position = np.int64(rows[entry]) * width
                    for column in range(width):
                        added[position + column] += weight * values[at + column]
                    at += width
        for row in range((last - first) // width):
            for column in range(width):
                out[first + row * width + column] += added[row * stride + column]
        if shape.unit:
            for row in range(first, last, width):
                square = np.float32(0)
                for position in range(row, row + width):
                    square += out[position] * out[position]
                scale = np.float32(1) / np.sqrt(square)
                for position in range(row, row + width):
                    out[position] *= scale
        if bounded:
            for position in range(first, last):
                out[position] = min(max(out[position], least), most)
