"""Structural similarity and its gradient on the processor; `losses.ssim_reference` is the same, readable.

A row of the picture is worked on as one vector of 3 · width floats, in which neighbours of a colour are 3 apart. The
Gaussian window is separable: rows are summed down first, into buffers that the nearest cache holds, then across. Every
row is one thread's, and rows are added up in their order, so the result is the same for any number of threads.
"""

from __future__ import annotations

import numpy as np

from ..kernels import thread_pool
from ..kernels.compilation import kernel
from ..kernels.simd import LANES, every, load, store

TAPS = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2

_distances = np.arange(TAPS) - TAPS // 2
_bell = np.exp(-(_distances**2) / (2 * SIGMA**2))
WINDOW: np.ndarray = _bell / _bell.sum()
"""The window of Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004."""

_WEIGHTS = WINDOW.astype(np.float32)
_C1, _C2, _TWO = np.float32(C1), np.float32(C2), np.float32(2)
_CHANNELS = 3
_EDGE = _CHANNELS * (TAPS - 1)
# Variances are differences of squares: about the middle of the range these are smaller, and so is their rounding.
_MIDDLE = np.float32(0.5)


def similarity(pictures: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the structural similarity, and how it changes.

    Args:
        pictures: float32 (B, H, W, 3) from 0 to 1, contiguous, sides of at least `TAPS`.
        wanted: the same of what they are compared with.

    Returns:
        Totals of each row of windows, float64 (B · (H - 10),), and the derivatives of each window by the picture's
        mean, mean square and mean product with the other, float32 (3, B · (H - 10), 3 W), of which the last 30 columns
        mean nothing.
    """
    batch, height, width, _ = pictures.shape
    rows = batch * (height - TAPS + 1)
    totals = np.empty(rows)
    derivatives = np.empty((3, rows, _CHANNELS * width), np.float32)
    counter = np.zeros(1, np.int64)
    arguments = (pictures.reshape(-1), wanted.reshape(-1), height, _CHANNELS * width, totals, derivatives.reshape(-1))
    thread_pool.run(thread_pool.thread_count(), _similarity_rows, *arguments, counter)
    return totals, derivatives


def gradient(pictures: np.ndarray, wanted: np.ndarray, derivatives: np.ndarray, scale: float) -> np.ndarray:
    """`scale` times the gradient of the sum of `similarity`, by `pictures`, float32 (B, H, W, 3)."""
    batch, height, width, _ = pictures.shape
    result = np.empty_like(pictures)
    counter = np.zeros(1, np.int64)
    arguments = (pictures.reshape(-1), wanted.reshape(-1), batch, height, _CHANNELS * width, derivatives.reshape(-1))
    thread_pool.run(
        thread_pool.thread_count(), _gradient_rows, *arguments, np.float32(scale), result.reshape(-1), counter
    )
    return result


@kernel
def _similarity_rows(a, b, height, length, totals, derivatives, counter):
    windows = height - TAPS + 1
    last = length - LANES
    valid = length - _EDGE
    size = length + _EDGE + LANES
    mean_a, mean_b = np.zeros(size, np.float32), np.zeros(size, np.float32)
    square_a, square_b, product = np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.float32)
    values = np.zeros(size, np.float32)
    while True:
        row = thread_pool.atomic_increment(counter)
        if row >= len(totals):
            return
        first = (row // windows * height + row % windows) * length
        for block in range(0, length, LANES):
            x = min(block, last)  # the last block begins earlier rather than end behind the row
            down_a, down_b = every(np.float32(0)), every(np.float32(0))
            down_aa, down_bb, down_ab = every(np.float32(0)), every(np.float32(0)), every(np.float32(0))
            for tap in range(TAPS):
                weight = _WEIGHTS[tap]
                p = load(a, first + tap * length + x) - _MIDDLE
                q = load(b, first + tap * length + x) - _MIDDLE
                wp, wq = p * weight, q * weight
                down_a = down_a + wp
                down_b = down_b + wq
                down_aa = down_aa + wp * p
                down_bb = down_bb + wq * q
                down_ab = down_ab + wp * q
            store(mean_a, x, down_a)
            store(mean_b, x, down_b)
            store(square_a, x, down_aa)
            store(square_b, x, down_bb)
            store(product, x, down_ab)
        for x in range(0, valid, LANES):
            ma, mb = every(np.float32(0)), every(np.float32(0))
            aa, bb, ab = every(np.float32(0)), every(np.float32(0)), every(np.float32(0))
            for tap in range(TAPS):
                weight = _WEIGHTS[tap]
                place = x + _CHANNELS * tap
                ma = ma + load(mean_a, place) * weight
                mb = mb + load(mean_b, place) * weight
                aa = aa + load(square_a, place) * weight
                bb = bb + load(square_b, place) * weight
                ab = ab + load(product, place) * weight
            whole_a, whole_b = ma + _MIDDLE, mb + _MIDDLE
            a1 = whole_a * whole_b * _TWO + _C1
            a2 = (ab - ma * mb) * _TWO + _C2
            inverse_1 = every(np.float32(1)) / (whole_a * whole_a + whole_b * whole_b + _C1)
            inverse_2 = every(np.float32(1)) / ((aa - ma * ma) + (bb - mb * mb) + _C2)
            inverse = inverse_1 * inverse_2
            value = a1 * a2 * inverse
            by_mean = (whole_b * a2 - mb * a1) * inverse + (ma * inverse_2 - whole_a * inverse_1) * value
            place = row * length + x
            store(values, x, value)
            store(derivatives, place, by_mean * _TWO)
            store(derivatives, len(totals) * length + place, value * inverse_2 * np.float32(-1))
            store(derivatives, 2 * len(totals) * length + place, a1 * inverse * _TWO)
        total = 0.0
        for x in range(valid):
            total += values[x]
        totals[row] = total


@kernel
def _gradient_rows(a, b, batch, height, length, derivatives, scale, result, counter):
    windows = height - TAPS + 1
    plane = batch * windows * length
    last = length - LANES
    valid = length - _EDGE
    size = length + _EDGE + LANES
    # Windows that would begin before the picture or behind it are nothing.
    by_mean, by_square, by_product = np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.float32)
    while True:
        row = thread_pool.atomic_increment(counter)
        if row >= batch * height:
            return
        picture, y = row // height, row % height
        for x in range(0, valid, LANES):
            down_m, down_s, down_p = every(np.float32(0)), every(np.float32(0)), every(np.float32(0))
            for tap in range(max(0, y - windows + 1), min(TAPS, y + 1)):
                weight = _WEIGHTS[tap]
                place = (picture * windows + y - tap) * length + x
                down_m = down_m + load(derivatives, place) * weight
                down_s = down_s + load(derivatives, plane + place) * weight
                down_p = down_p + load(derivatives, 2 * plane + place) * weight
            store(by_mean, _EDGE + x, down_m)
            store(by_square, _EDGE + x, down_s)
            store(by_product, _EDGE + x, down_p)
        for x in range(_EDGE + valid, size):
            by_mean[x] = by_square[x] = by_product[x] = 0
        for block in range(0, length, LANES):
            x = min(block, last)
            m, s, p = every(np.float32(0)), every(np.float32(0)), every(np.float32(0))
            for tap in range(TAPS):
                weight = _WEIGHTS[tap]
                place = x + _CHANNELS * tap
                m = m + load(by_mean, place) * weight
                s = s + load(by_square, place) * weight
                p = p + load(by_product, place) * weight
            place = row * length + x
            own, other = load(a, place) - _MIDDLE, load(b, place) - _MIDDLE
            store(result, place, (m + own * s * _TWO + other * p) * scale)
