"""Axes and scales of many Gaussians at once, in loops that LLVM turns into vector instructions.

As `placing.stretch` does for one: those of A Aᵀ, by one-sided Jacobi rotations (Hestenes 1958). Here every Gaussian
takes the same four sweeps, without a branch, in float32.
"""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from .placing import complete, quaternion

BLOCK = 256
"""Gaussians whose matrices lie in the processor's nearest cache."""
_SWEEPS = 4
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_FLAT = np.float32(1e-6)


@kernel
def principal_axes(matrices, first, count, axes, quats, scales):
    """Writes quaternions of length 1 and scales, in no order, of Gaussians `first` to `first + count`.

    Args:
        matrices: float32 (3, 3, BLOCK), A: its column, its row, and the Gaussian; overwritten.
        first, count: of the Gaussians, at most BLOCK.
        axes: float64 (3, 3), working memory.
        quats, scales: float32 (N, 4), (N, 3), written.
    """
    for _ in range(_SWEEPS):
        _rotate(matrices[0], matrices[1], count)
        _rotate(matrices[0], matrices[2], count)
        _rotate(matrices[1], matrices[2], count)
    for i in range(count):
        for column in range(3):
            square = _ZERO
            for row in range(3):
                axes[row, column] = matrices[column, row, i]
                square += matrices[column, row, i] * matrices[column, row, i]
            scales[first + i, column] = math.sqrt(square)
        _orient(axes, scales[first + i])
        w, x, y, z = quaternion(axes)
        quats[first + i, 0], quats[first + i, 1], quats[first + i, 2], quats[first + i, 3] = w, x, y, z


@kernel
def _rotate(p, q, count):
    """Turns two columns (3, BLOCK) of each matrix among each other until they are orthogonal."""
    p0, p1, p2, q0, q1, q2 = p[0], p[1], p[2], q[0], q[1], q[2]
    for i in range(count):
        pq = p0[i] * q0[i] + p1[i] * q1[i] + p2[i] * q2[i]
        pp = p0[i] * p0[i] + p1[i] * p1[i] + p2[i] * p2[i]
        qq = q0[i] * q0[i] + q1[i] * q1[i] + q2[i] * q2[i]
        zeta = _HALF * (qq - pp) / (_ONE if pq == _ZERO else pq)
        size = abs(zeta) + math.sqrt(_ONE + zeta * zeta)
        tangent = _ZERO if pq == _ZERO else (_ONE if zeta >= _ZERO else -_ONE) / size
        cosine = _ONE / math.sqrt(_ONE + tangent * tangent)
        sine = cosine * tangent
        x, y = p0[i], q0[i]
        p0[i], q0[i] = cosine * x - sine * y, sine * x + cosine * y
        x, y = p1[i], q1[i]
        p1[i], q1[i] = cosine * x - sine * y, sine * x + cosine * y
        x, y = p2[i], q2[i]
        p2[i], q2[i] = cosine * x - sine * y, sine * x + cosine * y


@kernel
def _orient(a, lengths):
    """Makes a rotation of orthogonal columns of these lengths, which are sorted where one of them may be 0."""
    shortest = min(lengths[0], lengths[1], lengths[2])
    if shortest > _FLAT * max(lengths[0], lengths[1], lengths[2]):
        for column in range(3):
            scale = 1.0 / lengths[column]
            for row in range(3):
                a[row, column] *= scale
        # An ellipsoid's axis may as well point the other way.
        cross_x = a[1, 0] * a[2, 1] - a[2, 0] * a[1, 1]
        cross_y = a[2, 0] * a[0, 1] - a[0, 0] * a[2, 1]
        cross_z = a[0, 0] * a[1, 1] - a[1, 0] * a[0, 1]
        if cross_x * a[0, 2] + cross_y * a[1, 2] + cross_z * a[2, 2] < 0.0:
            a[0, 2], a[1, 2], a[2, 2] = -a[0, 2], -a[1, 2], -a[2, 2]
        return
    for _ in range(2):
        for left, right in ((0, 1), (1, 2)):
            if lengths[left] < lengths[right]:
                lengths[left], lengths[right] = lengths[right], lengths[left]
                for row in range(3):
                    a[row, left], a[row, right] = a[row, right], a[row, left]
    lengths[0], lengths[1], lengths[2] = complete(a)
