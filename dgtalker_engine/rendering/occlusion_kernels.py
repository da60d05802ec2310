"""Triangles over the sub-samples of a picture's pixels, in bands of rows that threads take one after the other."""

from __future__ import annotations

import numpy as np

from ..kernels.compilation import kernel
from ..kernels.thread_pool import atomic_increment

ROWS_OF_BAND = 16


@kernel
def draw_bands(x, y, near, starts, solid_x, solid_y, solid_near, solid_starts, behind, offsets, part, counter):
    """Fills `part` (H, W): the part of a pixel's samples at which a triangle is nearer than `behind` (H, W) and any
    solid.

    Args:
        x, y, near: of the corners (T, 3) of triangles, one band's after the other's, pixels from the first pixel's
            corner; see `occlusion.Triangles`.
        starts: int64 (bands + 1,), where each band's triangles begin.
        solid_x, solid_y, solid_near, solid_starts: likewise of solids.
        behind: nearness of the heads, infinite where none is.
        offsets: of the samples (S, 2), from a pixel's corner, pixels.
        counter: int64 (1,), 0: the next band.
    """
    height, width = behind.shape
    samples = len(offsets)
    nearest = np.empty((ROWS_OF_BAND, samples, width), np.float32)
    solid = np.empty_like(nearest)
    while True:
        band = atomic_increment(counter)
        first = band * ROWS_OF_BAND
        if first >= height:
            return
        last = min(height, first + ROWS_OF_BAND)
        nearest[:] = -np.inf
        solid[:] = -np.inf
        for triangle in range(solid_starts[band], solid_starts[band + 1]):
            corners = solid_x[triangle], solid_y[triangle], solid_near[triangle]
            _draw_triangle(*corners, offsets, solid, first, last)
        for triangle in range(starts[band], starts[band + 1]):
            _draw_triangle(x[triangle], y[triangle], near[triangle], offsets, nearest, first, last)
        for row in range(first, last):
            for column in range(width):
                count = 0
                for sample in range(samples):
                    head = max(behind[row, column], solid[row - first, sample, column])
                    if nearest[row - first, sample, column] > head:
                        count += 1
                part[row, column] = count / samples


@kernel
def _draw_triangle(x, y, near, offsets, nearest, first, last):
    low_y, high_y = min(y[0], y[1], y[2]), max(y[0], y[1], y[2])
    left, right = min(x[0], x[1], x[2]), max(x[0], x[1], x[2])
    width = nearest.shape[2]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    if area == 0:
        return
    # Barycentric coordinates and nearness are linear in the picture: value = ax · x + ay · y + a.
    ax, ay = (y[1] - y[2]) / area, (x[2] - x[1]) / area
    bx, by = (y[2] - y[0]) / area, (x[0] - x[2]) / area
    a, b = (x[1] * y[2] - x[2] * y[1]) / area, (x[2] * y[0] - x[0] * y[2]) / area
    cx, cy, c = -ax - bx, -ay - by, 1 - a - b
    nx = near[0] * ax + near[1] * bx + near[2] * cx
    ny = near[0] * ay + near[1] * by + near[2] * cy
    n = near[0] * a + near[1] * b + near[2] * c
    for sample in range(len(offsets)):
        dx, dy = offsets[sample, 0], offsets[sample, 1]
        # A small triangle is near few samples: that is seen before more is worked out.
        first_column, last_column = max(0.0, np.ceil(left - dx)), min(width - 1.0, np.floor(right - dx))
        if first_column > last_column:
            continue
        first_row, last_row = max(float(first), np.ceil(low_y - dy)), min(last - 1.0, np.floor(high_y - dy))
        for row in range(int(first_row), int(last_row) + 1):
            py = row + dy
            low, high = _span(ax, ax * dx + ay * py + a, first_column, last_column)
            low, high = _span(bx, bx * dx + by * py + b, low, high)
            low, high = _span(cx, cx * dx + cy * py + c, low, high)
            line = nearest[row - first, sample]
            start = n + ny * py + nx * dx
            for column in range(int(np.ceil(low)), int(np.floor(high)) + 1):
                line[column] = max(line[column], np.float32(start + nx * column))


@kernel
def _span(slope, value, low, high):
    """What of [low, high] has slope · x + value ≥ 0; empty where its ends are the wrong way round."""
    if slope > 0:
        return max(low, -value / slope), high
    if slope < 0:
        return low, min(high, -value / slope)
    return (low, high) if value >= 0 else (1.0, 0.0)
