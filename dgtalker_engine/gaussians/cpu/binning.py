"""Which Gaussians touch which tile, front to back."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from ..constants import CPU_TILE
from .projection import INVERSE_A, LOG2_ALPHA_THRESHOLD, LOG_OPACITY, NOT_DRAWN, REACH_X, REACH_Y, WIDEST_Y, B, C, X, Y

_DIGIT = 11
_DIGITS = 1 << _DIGIT
COUNTS = _DIGITS + 1


@kernel
def span(records, i, top, bottom):
    """Leftmost and rightmost dx of Gaussian i's ellipse between dy = top and bottom, float32.

    The ellipse is where α ≥ 1/255: (a·dx + b·dy)² ≤ log2(255 opacity) - (c·dy)². Between top and bottom its right side
    is farthest at the dy nearest to that of its rightmost point, and its left side likewise.
    """
    c, inverse_a, widest = records[i, C], records[i, INVERSE_A], records[i, WIDEST_Y]
    most = records[i, LOG_OPACITY] - LOG2_ALPHA_THRESHOLD
    lean = -records[i, B] * inverse_a
    high = min(max(widest, top), bottom)
    low = min(max(-widest, top), bottom)
    drop_high, drop_low = c * high, c * low
    right = lean * high + inverse_a * math.sqrt(max(most - drop_high * drop_high, np.float32(0)))
    left = lean * low - inverse_a * math.sqrt(max(most - drop_low * drop_low, np.float32(0)))
    return left, right


@kernel
def _tile(place, count):
    """The tile at a place counted in tiles; -1 or count where it is outside."""
    return int(min(max(place, np.float32(-1)), np.float32(count)) + np.float32(1)) - 1


@kernel
def bin_tiles(view, records, depths, first, last, cursors, pairs, begin, end):
    """Counts, or writes, the tiles that Gaussians first to last touch.

    Counting and writing are one function, so that they cannot disagree.

    Args:
        view: View.
        records, depths: of `project`.
        cursors: int64 (tiles,). One is added for each Gaussian that touches a tile.
        pairs: uint64. Depth and number of the Gaussian are written at the tile's cursor; of length 0 to count only.
        begin, end: the tiles, row by row, to look at.
    """
    inverse = np.float32(1 / CPU_TILE)
    last_offset = np.float32(CPU_TILE - 1)
    left_edge = np.float32(view.first_column * CPU_TILE + 0.5)
    top_edge = np.float32(view.first_row * CPU_TILE + 0.5)
    first_row, last_row = begin // view.columns, (end - 1) // view.columns
    for i in range(first, last):
        if depths[i] == NOT_DRAWN:
            continue
        # The centre, from that of the top left pixel of the top left tile.
        x, y = records[i, X] - left_edge, records[i, Y] - top_edge
        reach_x, reach_y = records[i, REACH_X], records[i, REACH_Y]
        row0 = max(_tile((y - reach_y) * inverse, view.rows), 0)
        row1 = min(_tile((y + reach_y) * inverse, view.rows), view.rows - 1)
        column0 = max(_tile((x - reach_x) * inverse, view.columns), 0)
        column1 = min(_tile((x + reach_x) * inverse, view.columns), view.columns - 1)
        for row in range(max(row0, first_row), min(row1, last_row) + 1):
            from_column, to_column = column0, column1
            if row0 < row1 and column0 < column1:
                top = np.float32(row * CPU_TILE) - y
                left, right = span(records, i, top, top + last_offset)
                from_column = max(_tile((x + left) * inverse, view.columns), column0)
                to_column = min(_tile((x + right) * inverse, view.columns), column1)
            for tile in range(
                max(row * view.columns + from_column, begin), min(row * view.columns + to_column + 1, end)
            ):
                if len(pairs) > 0:
                    pairs[cursors[tile]] = (np.uint64(depths[i]) << np.uint64(32)) | np.uint64(i)
                cursors[tile] += 1


@kernel
def sort_by_depth(pairs, spare, counts):
    """Sorts pairs of one tile by depth, stable; those of one depth stay in the order of the Gaussians.

    Args:
        pairs: uint64, depth in the high half.
        spare: uint64, as long.
        counts: int64 (COUNTS,), working memory.

    Returns:
        pairs or spare: the one that holds the result.
    """
    total = len(pairs)
    if total <= 32:
        for i in range(1, total):
            pair = pairs[i]
            j = i
            while j > 0 and pairs[j - 1] > pair:
                pairs[j] = pairs[j - 1]
                j -= 1
            pairs[j] = pair
        return pairs
    least, most = pairs[0] >> np.uint64(32), pairs[0] >> np.uint64(32)
    for pair in pairs:
        least = min(least, pair >> np.uint64(32))
        most = max(most, pair >> np.uint64(32))
    base = least << np.uint64(32)
    shift = 32
    while (most - least) >> np.uint64(shift - 32):
        for digit in range(COUNTS):
            counts[digit] = 0
        for pair in pairs:
            counts[(((pair - base) >> np.uint64(shift)) & np.uint64(_DIGITS - 1)) + np.uint64(1)] += 1
        for digit in range(_DIGITS):
            counts[digit + 1] += counts[digit]
        for pair in pairs:
            digit = ((pair - base) >> np.uint64(shift)) & np.uint64(_DIGITS - 1)
            spare[counts[digit]] = pair
            counts[digit] += 1
        pairs, spare = spare, pairs
        shift += _DIGIT
    return pairs
