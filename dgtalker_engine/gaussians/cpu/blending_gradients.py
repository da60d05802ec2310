"""Gradients of a tile's pixels → those of its Gaussians: `blending` backwards.

With q = g·c the value of a Gaussian's colour (and depth) to the loss, gradients g of the pixel, w = α T its weight:

    ∂L/∂cᵢ = wᵢ g,   αᵢ ∂L/∂αᵢ = wᵢ qᵢ - αᵢ/(1 - αᵢ) · behindᵢ,   behindᵢ = Σ_{j>i} wⱼ qⱼ + T (g·background - ∂L/∂alpha)

The Gaussians are gone through front to back once more, with the same arithmetic: T and where a pixel is full are then
those of the picture, to the last bit. What is behind the last one is known from the picture; `behind` starts as what is
behind nothing, and each Gaussian takes its part away.

A pair of Gaussian and tile has its own place for its sums, so that no two threads add to the same number.
"""

from __future__ import annotations

import numpy as np

from ...kernels.bits import lowest_bit
from ...kernels.compilation import kernel
from ...kernels.fast_math import exp2
from ...kernels.simd import LANES, WIDTH, any_of, every, fold, load, minimum, minus_abs, store, where
from ...kernels.thread_pool import atomic_increment
from ..constants import ALPHA_CLIP, CPU_TILE, TRANSMITTANCE_THRESHOLD
from .blending import BATCH, BLOCKS, SIDE, full_blocks, gather_batch, offsets, visible_blocks
from .projection import BLUE, DEPTH, GREEN, LOG2_ALPHA_THRESHOLD, LOG_OPACITY, RECORD, RED, A, B, C

# What is summed over the pixels of a pair, with h = α ∂L/∂α, u = a·dx + b·dy and v = c·dy of `projection`.
SUMS = 10
H, HU, HV, HUU, HUV, HVV = 0, 1, 2, 3, 4, 5
D_RED, D_GREEN, D_BLUE, D_DEPTH = 6, 7, 8, 9

# Of a block: transmittance as in `blending`, gradients of red, green, blue and depth · alpha, and `behind`.
_STATE = 6 * LANES


@kernel
def blend_tiles_gradients(view, records, pairs, starts, order, frame, gradients, sums, counter):
    """Sums the gradients of each pair, tile after tile until none is left.

    Args:
        view: View.
        records: of `project`.
        pairs, starts, order: of `blend_tiles`, sorted.
        frame: Framebuffer, as `blend_tiles` left it.
        gradients: Framebuffer, of the loss by the picture's rgb, alpha and depth.
        sums: float32 (pairs, SUMS), 0 at first, written.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    state = np.empty(BLOCKS * _STATE, np.float32)
    masks = np.empty(BATCH, np.uint64)
    batch = np.empty((BATCH, RECORD), np.float32)
    totals = np.empty(LANES, np.float32)
    while True:
        taken = atomic_increment(counter)
        if taken >= len(order):
            return
        tile = order[taken]
        first, last = starts[tile], starts[tile + 1]
        if first < last:
            x0 = (view.first_column + tile % view.columns) * CPU_TILE
            y0 = (view.first_row + tile // view.columns) * CPU_TILE
            _read(view, x0, y0, frame, gradients, state)
            _sum(view, records, pairs[first:last], x0, y0, state, masks, batch, totals, sums[first:last])


@kernel
def _read(view, x0, y0, frame, gradients, state):
    """Fills the state of the tile at (x0, y0); pixels outside the region are full."""
    for block in range(BLOCKS):
        store(state, block * _STATE, every(np.float32(-1)))
        for field in range(1, 6):
            store(state, block * _STATE + field * LANES, every(np.float32(0)))
    for y in range(max(y0, view.y0), min(y0 + CPU_TILE, view.y1)):
        row = (y - y0) // WIDTH * SIDE * _STATE + (y - y0) % WIDTH * WIDTH
        for x in range(max(x0, view.x0), min(x0 + CPU_TILE, view.x1)):
            at = row + (x - x0) // WIDTH * _STATE + (x - x0) % WIDTH
            i, j = y - view.y0, x - view.x0
            covered = frame.alpha[i, j]
            state[at] = 1.0
            if not covered > np.float32(0):
                continue
            red, green, blue = gradients.rgb[i, j, 0], gradients.rgb[i, j, 1], gradients.rgb[i, j, 2]
            # depth = Σ w z / alpha
            by_depth = gradients.depth[i, j] / covered
            by_alpha = gradients.alpha[i, j] - by_depth * frame.depth[i, j]
            state[at + LANES] = red
            state[at + 2 * LANES] = green
            state[at + 3 * LANES] = blue
            state[at + 4 * LANES] = by_depth
            state[at + 5 * LANES] = (
                (frame.rgb[i, j, 0] * red + frame.rgb[i, j, 1] * green + frame.rgb[i, j, 2] * blue)
                + by_depth * frame.depth[i, j] * covered
                - by_alpha * (np.float32(1) - covered)
            )


@kernel
def _sum(view, records, listed, x0, y0, state, masks, batch, totals, sums):
    """`blending._blend`, with the sums of the Gaussians listed instead of colours."""
    one, half, nothing = np.float32(1), np.float32(0.5), np.float32(0)
    clip, floor, full = np.float32(ALPHA_CLIP), LOG2_ALPHA_THRESHOLD, np.float32(TRANSMITTANCE_THRESHOLD)
    zero = every(nothing)
    live = visible_blocks(view, x0, y0)
    corner_x, corner_y = np.float32(x0) + half, np.float32(y0) + half

    for first in range(0, len(listed), BATCH):
        count, touched = gather_batch(records, listed, first, corner_x, corner_y, live, batch, masks)
        for i in range(count):
            todo = masks[i]
            if todo == np.uint64(0):
                continue
            a, b, c, log_opacity = batch[i, A], batch[i, B], batch[i, C], batch[i, LOG_OPACITY]
            red, green, blue, z = batch[i, RED], batch[i, GREEN], batch[i, BLUE], batch[i, DEPTH]
            corner_u, corner_v = offsets(batch, i, corner_x, corner_y)
            h0, hu, hv, huu, huv, hvv = zero, zero, zero, zero, zero, zero
            d_red, d_green, d_blue, d_depth = zero, zero, zero, zero
            while todo != np.uint64(0):
                block = lowest_bit(todo)
                todo &= todo - np.uint64(1)
                column, row = np.float32(WIDTH * (block % SIDE)), np.float32(WIDTH * (block // SIDE))
                u, v = (corner_u + a * column) + b * row, corner_v + c * row
                power = (log_opacity - v * v) - u * u
                exact = exp2(power)
                opaque = where(power >= floor, minimum(exact, clip), zero)
                at = block * _STATE
                before = load(state, at)
                weight = before * opaque
                after = before - weight
                taken = after > full
                weight = where(taken, weight, zero)
                store(state, at, where(taken, after, minus_abs(before)))
                if not any_of(taken):
                    continue
                by_red, by_green = load(state, at + LANES), load(state, at + 2 * LANES)
                by_blue, by_depth = load(state, at + 3 * LANES), load(state, at + 4 * LANES)
                value = weight * (red * by_red + green * by_green + blue * by_blue + z * by_depth)
                behind = load(state, at + 5 * LANES) - value
                store(state, at + 5 * LANES, behind)
                h = value - behind * opaque / (one - opaque)
                # An α that is cut does not change with its Gaussian; one that is skipped is 0, and h with it.
                h = where(taken, where(clip > exact, h, zero), zero)
                h_u, h_v = h * u, h * v
                h0, hu, hv = h0 + h, hu + h_u, hv + h_v
                huu, huv, hvv = huu + h_u * u, huv + h_u * v, hvv + h_v * v
                d_red, d_green = d_red + weight * by_red, d_green + weight * by_green
                d_blue, d_depth = d_blue + weight * by_blue, d_depth + weight * by_depth
            geometry = fold(fold(fold(h0, hu), fold(hv, huu)), fold(fold(huv, hvv), fold(d_red, d_green)))
            store(totals, 0, fold(geometry, fold(fold(fold(d_blue, d_depth), zero), zero)))
            for part in range(SUMS):
                sums[first + i, part] = totals[part]
        live &= ~full_blocks(state, np.int64(_STATE), touched)
        if live == np.uint64(0):
            break
