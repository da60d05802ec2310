"""Gaussians of a head's space in the world: moved, turned, stretched, and with the colours that a camera sees."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from ...kernels.thread_pool import atomic_increment
from ..constants import SH_C0
from .spherical_harmonics import view_dependent

_CHUNK = 1024  # Gaussians that a thread takes
_SWEEPS = 10
_SMALL = 1e-9


@kernel
def place(placement, cloud, placed, counter):
    """Writes the placed Gaussians, chunk after chunk until none is left.

    Args:
        placement: Placement, of `gaussians.placement`.
        cloud: CloudArrays, in head space.
        placed: CloudArrays, written, but for the opacities; spherical harmonics only where the cloud's have a degree
            above 0, and then of degree 0, with colours below 0 as 0.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    linear, offset, turn = placement.linear, placement.offset, placement.turn
    axes = np.empty((3, 3))
    while True:
        first = atomic_increment(counter) * _CHUNK
        if first >= len(cloud.means):
            return
        for i in range(first, min(first + _CHUNK, len(cloud.means))):
            x, y, z = np.float64(cloud.means[i, 0]), np.float64(cloud.means[i, 1]), np.float64(cloud.means[i, 2])
            for row in range(3):
                placed.means[i, row] = linear[row, 0] * x + linear[row, 1] * y + linear[row, 2] * z + offset[row]
            if placement.similar:
                w, a, b, c = cloud.quats[i, 0], cloud.quats[i, 1], cloud.quats[i, 2], cloud.quats[i, 3]
                placed.quats[i, 0] = turn[0] * w - turn[1] * a - turn[2] * b - turn[3] * c
                placed.quats[i, 1] = turn[1] * w + turn[0] * a - turn[3] * b + turn[2] * c
                placed.quats[i, 2] = turn[2] * w + turn[3] * a + turn[0] * b - turn[1] * c
                placed.quats[i, 3] = turn[3] * w - turn[2] * a + turn[1] * b + turn[0] * c
                for axis in range(3):
                    placed.scales[i, axis] = placement.scale * cloud.scales[i, axis]
            else:
                stretch(linear, cloud, placed, i, axes)
            if cloud.sh.shape[1] > 1:
                ex, ey, ez = placement.eye[0], placement.eye[1], placement.eye[2]
                if not placement.orthographic:
                    ex, ey, ez = x - ex, y - ey, z - ez
                red, green, blue = view_dependent(cloud.sh, i, ex, ey, ez)
                placed.sh[i, 0, 0] = seen_colour(cloud.sh[i, 0, 0], red)
                placed.sh[i, 0, 1] = seen_colour(cloud.sh[i, 0, 1], green)
                placed.sh[i, 0, 2] = seen_colour(cloud.sh[i, 0, 2], blue)


@kernel
def seen_colour(constant, more):
    """The coefficient of degree 0 that gives the colour of all degrees; NaN stays NaN, for the renderer to find."""
    value = constant + more / SH_C0
    return -0.5 / SH_C0 if value < -0.5 / SH_C0 else value


@kernel
def stretch(linear, cloud, placed, i, a):
    """Axes and scales of M Σ Mᵀ of Gaussian i, the longest first.

    With Σ = R S Sᵀ Rᵀ these are the left singular vectors and the singular values of M R S. One-sided Jacobi rotations
    (Hestenes 1958) find them well also where one scale is a thousandth of another.

    Args:
        linear: M.
        cloud, placed: CloudArrays, and the one that is written.
        a: float64 (3, 3), working memory.
    """
    rotation = rotation_rows(cloud.quats[i, 0], cloud.quats[i, 1], cloud.quats[i, 2], cloud.quats[i, 3])
    for row in range(3):
        for column in range(3):
            total = 0.0
            for k in range(3):
                total += linear[row, k] * rotation[k][column]
            a[row, column] = total * cloud.scales[i, column]
    _orthogonalise(a)
    placed.scales[i, 0], placed.scales[i, 1], placed.scales[i, 2] = complete(a)
    placed.quats[i, 0], placed.quats[i, 1], placed.quats[i, 2], placed.quats[i, 3] = quaternion(a)


@kernel
def quaternion(r):
    """A rotation matrix (3, 3) → w, x, y, z of length 1, w not negative (Shepperd 1978).

    SciPy's `Rotation` cannot be called from a kernel.
    """
    trace = r[0, 0] + r[1, 1] + r[2, 2]
    if trace >= r[0, 0] and trace >= r[1, 1] and trace >= r[2, 2]:
        w, x, y, z = 1.0 + trace, r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
    elif r[0, 0] >= r[1, 1] and r[0, 0] >= r[2, 2]:
        w, x = r[2, 1] - r[1, 2], 1.0 + r[0, 0] - r[1, 1] - r[2, 2]
        y, z = r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]
    elif r[1, 1] >= r[2, 2]:
        w, y = r[0, 2] - r[2, 0], 1.0 - r[0, 0] + r[1, 1] - r[2, 2]
        x, z = r[0, 1] + r[1, 0], r[1, 2] + r[2, 1]
    else:
        w, z = r[1, 0] - r[0, 1], 1.0 - r[0, 0] - r[1, 1] + r[2, 2]
        x, y = r[0, 2] + r[2, 0], r[1, 2] + r[2, 1]
    scale = (-1.0 if w < 0.0 else 1.0) / math.sqrt(w * w + x * x + y * y + z * z)
    return w * scale, x * scale, y * scale, z * scale


@kernel
def rotation_rows(w, x, y, z):
    """A quaternion of any length but 0 → the rows of its matrix, float64."""
    w, x, y, z = np.float64(w), np.float64(x), np.float64(y), np.float64(z)
    two = 2.0 / (w * w + x * x + y * y + z * z)
    return (
        (1.0 - two * (y * y + z * z), two * (x * y - w * z), two * (x * z + w * y)),
        (two * (x * y + w * z), 1.0 - two * (x * x + z * z), two * (y * z - w * x)),
        (two * (x * z - w * y), two * (y * z + w * x), 1.0 - two * (x * x + y * y)),
    )


@kernel
def _orthogonalise(a):
    """Turns the columns of a (3, 3) among each other until they are orthogonal, and sorts them, longest first."""
    for _ in range(_SWEEPS):
        done = True
        for p, q in ((0, 1), (0, 2), (1, 2)):
            pp, qq, pq = 0.0, 0.0, 0.0
            for row in range(3):
                pp += a[row, p] * a[row, p]
                qq += a[row, q] * a[row, q]
                pq += a[row, p] * a[row, q]
            cosine, sine = 1.0, 0.0
            if pq * pq > _SMALL * _SMALL * pp * qq:
                zeta = (qq - pp) / (2.0 * pq)
                tangent = (1.0 if zeta >= 0.0 else -1.0) / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                sine = cosine * tangent
                pp, qq = pp - tangent * pq, qq + tangent * pq
                done = False
            if pp < qq:
                # A quarter turn more swaps the two.
                cosine, sine = sine, -cosine
                done = False
            for row in range(3):
                left, right = a[row, p], a[row, q]
                a[row, p], a[row, q] = cosine * left - sine * right, sine * left + cosine * right
        if done:
            break


@kernel
def complete(a):
    """Makes a rotation of orthogonal columns, longest first, of which the last may be 0; returns their lengths."""
    first = math.sqrt(a[0, 0] * a[0, 0] + a[1, 0] * a[1, 0] + a[2, 0] * a[2, 0])
    second = math.sqrt(a[0, 1] * a[0, 1] + a[1, 1] * a[1, 1] + a[2, 1] * a[2, 1])
    third = math.sqrt(a[0, 2] * a[0, 2] + a[1, 2] * a[1, 2] + a[2, 2] * a[2, 2])
    if first == 0.0:
        ux, uy, uz = 1.0, 0.0, 0.0
    else:
        ux, uy, uz = a[0, 0] / first, a[1, 0] / first, a[2, 0] / first
    if second > _SMALL * first:
        vx, vy, vz = a[0, 1] / second, a[1, 1] / second, a[2, 1] / second
    else:
        # Any direction across the first: across it and the axis that it is farthest from.
        if abs(ux) <= abs(uy) and abs(ux) <= abs(uz):
            vx, vy, vz = 0.0, uz, -uy
        elif abs(uy) <= abs(uz):
            vx, vy, vz = -uz, 0.0, ux
        else:
            vx, vy, vz = uy, -ux, 0.0
        scale = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx * scale, vy * scale, vz * scale
    a[0, 0], a[1, 0], a[2, 0] = ux, uy, uz
    a[0, 1], a[1, 1], a[2, 1] = vx, vy, vz
    a[0, 2], a[1, 2], a[2, 2] = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return first, second, third
