"""Gaussians of a tile, front to back → its pixels.

    colour = Σ cᵢ αᵢ Tᵢ + T background,   Tᵢ = Π_{j<i} (1 - αⱼ)

α below 1/255 is skipped, above the clip cut; a pixel takes no more Gaussians after the one that would bring its T to
1e-4 or less, which it does not take either.

A tile is 8 × 8 blocks of 4 × 4 pixels. Which blocks a Gaussian touches is found first, for a batch of Gaussians at
once; in the batches after that in which its last pixel became full, a block is not touched any more.

Processors wait most for what they cannot foresee. So a batch's records, which lie scattered, are copied to one place,
those of the next batch are asked for meanwhile, and how many blocks there are to blend never hangs on what was blended
just before.
"""

from __future__ import annotations

import numpy as np

from ...kernels.bits import bit_spans, lowest_bit
from ...kernels.compilation import kernel
from ...kernels.fast_math import exp2, square_root
from ...kernels.memory import prefetch_row
from ...kernels.simd import (
    LANES,
    WIDTH,
    across,
    any_of,
    down,
    every,
    load,
    maximum,
    minimum,
    minus_abs,
    rounded_product,
    store,
    where,
)
from ...kernels.thread_pool import atomic_increment
from ..constants import ALPHA_CLIP, CPU_TILE, NOTHING_HIT, TRANSMITTANCE_THRESHOLD
from .binning import COUNTS, sort_by_depth
from .projection import (
    BLUE,
    DEPTH,
    GREEN,
    INVERSE_A,
    LOG2_ALPHA_THRESHOLD,
    LOG_OPACITY,
    RECORD,
    RED,
    WIDEST_Y,
    A,
    B,
    C,
    X,
    Y,
)

SIDE = CPU_TILE // WIDTH
BLOCKS = SIDE * SIDE
# Of a block: transmittance, negative in pixels that are full, then red, green, blue and depth so far.
_STATE = 5 * LANES
BATCH = 64
# Of the lanes of `touched_blocks`.
_SIGNS = np.repeat(np.array([1, -1], np.float32), SIDE)
_ROWS = np.concatenate([WIDTH * np.arange(SIDE), 1 - WIDTH - WIDTH * np.arange(SIDE)]).astype(np.float32)
_ENDS = np.repeat(np.array([1, 0], np.float32), SIDE)
_NONE = np.repeat(np.array([0, SIDE], np.float32), SIDE)
NUMBER = np.uint64(0xFFFFFFFF)  # the half of a pair that says which Gaussian


@kernel
def blend_tiles(view, records, pairs, starts, order, longest, frame, keep, counter):
    """Blends tile after tile until none is left.

    Args:
        view: View.
        records: of `project`.
        pairs: of `bin_tiles`; each tile's are sorted here.
        starts: int64 (tiles + 1,), where each tile's pairs start.
        order: int64, the tiles, those with the most pairs first.
        longest: the largest number of pairs of a tile.
        frame: Framebuffer, its colours and alpha 0 at first, written.
        keep: whether the pairs must be sorted in their place afterwards.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    state = np.empty(BLOCKS * _STATE, np.float32)
    masks = np.empty(BATCH, np.uint64)
    batch = np.empty((BATCH, RECORD), np.float32)
    spare = np.empty(longest, np.uint64)
    counts = np.empty(COUNTS, np.int64)
    while True:
        taken = atomic_increment(counter)
        if taken >= len(order):
            return
        tile = order[taken]
        x0 = (view.first_column + tile % view.columns) * CPU_TILE
        y0 = (view.first_row + tile // view.columns) * CPU_TILE
        first, last = starts[tile], starts[tile + 1]
        if first == last:
            _write_nothing(view, x0, y0, frame)
        else:
            listed = sort_by_depth(pairs[first:last], spare[: last - first], counts)
            if keep:
                pairs[first:last] = listed
            _blend(view, records, listed, x0, y0, state, masks, batch)
            _write(view, x0, y0, state, frame)


@kernel
def _blend(view, records, listed, x0, y0, state, masks, batch):
    """Blends the Gaussians listed into the blocks of the tile at pixel (x0, y0)."""
    one, half, nothing = np.float32(1), np.float32(0.5), np.float32(0)
    clip, floor, full = np.float32(ALPHA_CLIP), LOG2_ALPHA_THRESHOLD, np.float32(TRANSMITTANCE_THRESHOLD)
    zero = every(nothing)
    live = visible_blocks(view, x0, y0)
    for block in range(BLOCKS):
        at = block * _STATE
        store(state, at, every(one))
        for field in range(1, 5):
            store(state, at + field * LANES, zero)
    corner_x, corner_y = np.float32(x0) + half, np.float32(y0) + half

    for first in range(0, len(listed), BATCH):
        count, touched = gather_batch(records, listed, first, corner_x, corner_y, live, batch, masks)
        for i in range(count):
            todo = masks[i]
            a, b, c, log_opacity = batch[i, A], batch[i, B], batch[i, C], batch[i, LOG_OPACITY]
            red, green, blue, z = batch[i, RED], batch[i, GREEN], batch[i, BLUE], batch[i, DEPTH]
            corner_u, corner_v = offsets(batch, i, corner_x, corner_y)
            while todo != np.uint64(0):
                block = lowest_bit(todo)
                todo &= todo - np.uint64(1)
                column, row = np.float32(WIDTH * (block % SIDE)), np.float32(WIDTH * (block // SIDE))
                u, v = (corner_u + a * column) + b * row, corner_v + c * row
                power = (log_opacity - v * v) - u * u
                opaque = where(power >= floor, minimum(exp2(power), clip), zero)
                at = block * _STATE
                before = load(state, at)
                weight = before * opaque
                after = before - weight
                taken = after > full
                weight = where(taken, weight, zero)
                store(state, at, where(taken, after, minus_abs(before)))
                store(state, at + LANES, load(state, at + LANES) + weight * red)
                store(state, at + 2 * LANES, load(state, at + 2 * LANES) + weight * green)
                store(state, at + 3 * LANES, load(state, at + 3 * LANES) + weight * blue)
                store(state, at + 4 * LANES, load(state, at + 4 * LANES) + weight * z)
        live &= ~full_blocks(state, np.int64(_STATE), touched)
        if live == np.uint64(0):
            break


@kernel
def gather_batch(records, listed, first, corner_x, corner_y, live, batch, masks):
    """Copies the records of the Gaussians listed from the first on to the rows of a batch, and finds what they touch.

    Meanwhile those of the batch after it come closer.

    Returns:
        How many these are, and the blocks among the live ones that any of them touches; of each of them in `masks`.
    """
    count = min(BATCH, len(listed) - first)
    for j in range(first + count, min(first + 2 * BATCH, len(listed))):
        prefetch_row(records, np.int64(listed[j] & NUMBER))
    for j in range(count):
        i = np.int64(listed[first + j] & NUMBER)
        for field in range(RECORD):
            batch[j, field] = records[i, field]
    touched = np.uint64(0)
    for j in range(count):
        masks[j] = touched_blocks(batch, j, corner_x, corner_y) & live
        touched |= masks[j]
    return count, touched


@kernel
def offsets(batch, i, corner_x, corner_y):
    """u = a·dx + b·dy and v = c·dy of Gaussian i in the tile's first block, whose first pixel centre is the corner."""
    dx, dy = across(corner_x - batch[i, X]), down(corner_y - batch[i, Y])
    return batch[i, A] * dx + rounded_product(batch[i, B], dy), batch[i, C] * dy


@kernel
def full_blocks(state, size, blocks):
    """Those of the blocks whose pixels are all full, by their transmittance, the first of `size` numbers of a block."""
    full, nothing = np.uint64(0), np.float32(0)
    while blocks != np.uint64(0):
        block = np.int64(lowest_bit(blocks))
        blocks &= blocks - np.uint64(1)
        if not any_of(load(state, block * size) > nothing):
            full |= np.uint64(1) << np.uint64(block)
    return full


@kernel
def visible_blocks(view, x0, y0):
    """The blocks of the tile at pixel (x0, y0) that have pixels of the region, one bit each."""
    visible = np.uint64(0)
    for block in range(BLOCKS):
        x, y = x0 + block % SIDE * WIDTH, y0 + block // SIDE * WIDTH
        if x < view.x1 and y < view.y1 and x + WIDTH > view.x0 and y + WIDTH > view.y0:
            visible |= np.uint64(1) << np.uint64(block)
    return visible


@kernel
def touched_blocks(batch, i, corner_x, corner_y):
    """The blocks that Gaussian i touches, one bit each, in the tile whose first pixel centre is the corner.

    Lane r of the first eight is about the right end of row r of blocks, lane 8 + r about its left end: the left side of
    an ellipse is its right side turned by half a turn. See `binning.span`.
    """
    x, y = corner_x - batch[i, X], corner_y - batch[i, Y]
    c, inverse_a, widest = batch[i, C], batch[i, INVERSE_A], batch[i, WIDEST_Y]
    low = load(_SIGNS, 0) * y + load(_ROWS, 0)
    at = where(low > widest, low, minimum(low + np.float32(WIDTH - 1), widest))
    drop = c * at
    square = (batch[i, LOG_OPACITY] - LOG2_ALPHA_THRESHOLD) - drop * drop
    nothing = every(np.float32(0))
    reach = inverse_a * square_root(where(square > nothing, square, nothing)) - batch[i, B] * inverse_a * at
    place = load(_SIGNS, 0) * (reach * np.float32(1 / WIDTH)) + (load(_ENDS, 0) - x * np.float32(1 / WIDTH))
    # Rows that the ellipse does not reach have no right end.
    place = where(square >= nothing, place, load(_NONE, 0))
    return bit_spans(minimum(maximum(place, np.float32(0)), np.float32(SIDE)))


@kernel
def _write(view, x0, y0, state, frame):
    """Writes those pixels of the tile at (x0, y0) that are in the region."""
    red, green, blue = frame.background[0], frame.background[1], frame.background[2]
    for y in range(max(y0, view.y0), min(y0 + CPU_TILE, view.y1)):
        row = (y - y0) // WIDTH * SIDE * _STATE + (y - y0) % WIDTH * WIDTH
        for x in range(max(x0, view.x0), min(x0 + CPU_TILE, view.x1)):
            at = row + (x - x0) // WIDTH * _STATE + (x - x0) % WIDTH
            i, j = y - view.y0, x - view.x0
            through = abs(state[at])
            covered = np.float32(1) - through
            frame.rgb[i, j, 0] = state[at + LANES] + through * red
            frame.rgb[i, j, 1] = state[at + 2 * LANES] + through * green
            frame.rgb[i, j, 2] = state[at + 3 * LANES] + through * blue
            frame.alpha[i, j] = covered
            frame.depth[i, j] = state[at + 4 * LANES] / covered if covered > np.float32(0) else np.float32(NOTHING_HIT)


@kernel
def _write_nothing(view, x0, y0, frame):
    """Writes the background into those pixels of the tile at (x0, y0) that are in the region.

    What is 0 already is left alone: of pictures that are mostly empty, most memory is then never touched.
    """
    red, green, blue = frame.background[0], frame.background[1], frame.background[2]
    left, right = max(x0, view.x0) - view.x0, min(x0 + CPU_TILE, view.x1) - view.x0
    black = red == np.float32(0) and green == np.float32(0) and blue == np.float32(0)
    for i in range(max(y0, view.y0) - view.y0, min(y0 + CPU_TILE, view.y1) - view.y0):
        if not black:
            for j in range(left, right):
                frame.rgb[i, j, 0] = red
                frame.rgb[i, j, 1] = green
                frame.rgb[i, j, 2] = blue
        for j in range(left, right):
            frame.depth[i, j] = NOTHING_HIT
