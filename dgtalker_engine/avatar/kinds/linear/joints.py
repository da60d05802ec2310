"""Gaussians that turn about points: the second half of posing, after the blendshapes' sums."""

from __future__ import annotations

import numpy as np

from ....kernels import thread_pool
from ....kernels.compilation import kernel
from ....kernels.thread_pool import atomic_increment

_ROWS = 2048


def turn(
    means: np.ndarray,
    quats: np.ndarray,
    pivots: np.ndarray,
    shares: np.ndarray,
    vectors: np.ndarray,
) -> None:
    """Turns Gaussians in place, about one point after another.

    Args:
        means: float32 (N, 3).
        quats: float32 (N, 4), wxyz.
        pivots: float32 (J, 3).
        shares: uint8 (J, N), how much of each turn every Gaussian takes, in 255ths.
        vectors: (J, 3), rotation vectors in radians.
    """
    turning = np.flatnonzero(np.any(vectors != 0, axis=1))
    if not len(turning):
        return
    # a turn has 256 shares and no more, so that no row needs a sine
    angle = np.linalg.norm(vectors[turning], axis=1)[:, None] * np.arange(256) / 510
    axis = vectors[turning] / np.linalg.norm(vectors[turning], axis=1, keepdims=True)
    table = np.concatenate([np.cos(angle)[:, :, None], np.sin(angle)[:, :, None] * axis[:, None]], axis=2)
    points = pivots[turning]
    chosen = shares if len(turning) == len(shares) else shares[turning]
    threads = min(thread_pool.thread_count(), -(-len(means) // _ROWS))
    thread_pool.run(
        max(threads, 1), turn_blocks, means, quats, points, chosen, table.astype(np.float32), np.zeros(1, np.int64)
    )


@kernel
def turn_blocks(means, quats, pivots, shares, table, counter):
    """Turns block after block until none is left; `table` float32 (J, 256, 4) has the quaternion of every share."""
    while True:
        first = atomic_increment(counter) * _ROWS
        if first >= len(means):
            return
        last = min(first + _ROWS, len(means))
        for joint in range(len(pivots)):
            px, py, pz = pivots[joint]
            for row in range(first, last):
                share = shares[joint, row]
                if share == 0:
                    continue
                w, x, y, z = table[joint, share]
                dx, dy, dz = means[row, 0] - px, means[row, 1] - py, means[row, 2] - pz
                # v + 2 u × (u × v + w v)
                cx = y * dz - z * dy + w * dx
                cy = z * dx - x * dz + w * dy
                cz = x * dy - y * dx + w * dz
                two = np.float32(2)
                means[row, 0] += two * (y * cz - z * cy)
                means[row, 1] += two * (z * cx - x * cz)
                means[row, 2] += two * (x * cy - y * cx)
                qw, qx, qy, qz = quats[row]
                quats[row, 0] = w * qw - x * qx - y * qy - z * qz
                quats[row, 1] = w * qx + x * qw + y * qz - z * qy
                quats[row, 2] = w * qy - x * qz + y * qw + z * qx
                quats[row, 3] = w * qz + x * qy - y * qx + z * qw
