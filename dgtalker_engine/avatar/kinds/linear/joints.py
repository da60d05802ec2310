"""Gaussians that turn about points: the second half of posing, after the blendshapes' sums."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ....kernels import thread_pool
from ....kernels.compilation import kernel
from ....kernels.thread_pool import atomic_increment

_ROWS = 2048


def turn(
    means: np.ndarray,
    quats: np.ndarray,
    pivots: np.ndarray,
    joint_weights: np.ndarray,
    vectors: np.ndarray,
) -> None:
    """Turns Gaussians in place, about one point after another.

    Args:
        means: float32 (N, 3).
        quats: float32 (N, 4), wxyz.
        pivots: float32 (J, 3).
        joint_weights: uint8 (J, N), how much of each turn every Gaussian takes, in 255ths.
        vectors: (J, 3), rotation vectors in radians.
    """
    turning = np.flatnonzero(np.any(vectors != 0, axis=1))
    if not len(turning):
        return
    # a turn has 256 steps and no more, so that no row needs a sine
    steps = vectors[turning, None] * (np.arange(256) / 255)[:, None]
    table = Rotation.from_rotvec(steps.reshape(-1, 3)).as_quat(scalar_first=True).reshape(-1, 256, 4)
    points = pivots[turning]
    chosen = joint_weights if len(turning) == len(joint_weights) else joint_weights[turning]
    chosen = np.ascontiguousarray(chosen)  # of another layout the kernel would be compiled anew
    threads = min(thread_pool.thread_count(), -(-len(means) // _ROWS))
    thread_pool.run(
        max(threads, 1), turn_blocks, means, quats, points, chosen, table.astype(np.float32), np.zeros(1, np.int64)
    )


@kernel
def turn_blocks(means, quats, pivots, joint_weights, table, counter):
    """Turns block after block until none is left; `table` float32 (J, 256, 4) has the quaternion of every weight."""
    while True:
        first = atomic_increment(counter) * _ROWS
        if first >= len(means):
            return
        last = min(first + _ROWS, len(means))
        for joint in range(len(pivots)):
            px, py, pz = pivots[joint]
            for row in range(first, last):
                weight = joint_weights[joint, row]
                if weight == 0:
                    continue
                w, x, y, z = table[joint, weight]
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
