"""Gaussians under a linear map that changes their shape, and their colours as a camera sees them."""

from __future__ import annotations

import math

import numpy as np

from .compilation import kernel
from .harmonics import C0, view_dependent
from .workers import take

CHUNK = 1024  # Gaussians that a thread takes

_SWEEPS = 10
_SMALL = 1e-12


@kernel
def map_shapes(linear, quats, scales, mapped_quats, mapped_scales, counter):
    """Axes and scales of M Σ Mᵀ, chunk after chunk until none is left.

    With Σ = R S Sᵀ Rᵀ these are the left singular vectors and the singular values of M R S. One-sided Jacobi rotations
    (Hestenes 1958) find them to float64's accuracy also where one scale is a thousandth of another.

    Args:
        linear: M, float64 (3, 3), of any rank.
        quats, scales: float32 (N, 4) and (N, 3).
        mapped_quats, mapped_scales: float32, written; scales from the largest to the smallest.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    a = np.empty((3, 3))
    while True:
        first = take(counter) * CHUNK
        if first >= len(quats):
            return
        for i in range(first, min(first + CHUNK, len(quats))):
            rotation = _rotation(quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3])
            for row in range(3):
                for column in range(3):
                    total = 0.0
                    for k in range(3):
                        total += linear[row, k] * rotation[k][column]
                    a[row, column] = total * scales[i, column]
            _orthogonalise(a)
            mapped_scales[i, 0], mapped_scales[i, 1], mapped_scales[i, 2] = _complete(a)
            w, x, y, z = quaternion(a)
            mapped_quats[i, 0], mapped_quats[i, 1], mapped_quats[i, 2], mapped_quats[i, 3] = w, x, y, z


@kernel
def see_colours(means, sh, eye, orthographic, seen, counter):
    """Degree 0 harmonics of the colours seen from one place, chunk after chunk until none is left.

    Args:
        means, sh: float32 (N, 3) and (N, K, 3).
        eye: float64 (3,), the camera in the space of the means; the direction it looks in where orthographic.
        seen: float32 (N, 1, 3), written; colours below 0 are 0.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    while True:
        first = take(counter) * CHUNK
        if first >= len(means):
            return
        for i in range(first, min(first + CHUNK, len(means))):
            x, y, z = eye[0], eye[1], eye[2]
            if not orthographic:
                x, y, z = means[i, 0] - x, means[i, 1] - y, means[i, 2] - z
            red, green, blue = view_dependent(sh, i, x, y, z)
            # A number that is not one must stay so: the renderer says which Gaussian has it.
            seen[i, 0, 0] = _not_below(sh[i, 0, 0] + red / C0, -0.5 / C0)
            seen[i, 0, 1] = _not_below(sh[i, 0, 1] + green / C0, -0.5 / C0)
            seen[i, 0, 2] = _not_below(sh[i, 0, 2] + blue / C0, -0.5 / C0)


@kernel
def quaternion(r):
    """A rotation matrix (3, 3) → w, x, y, z of length 1, w not negative (Shepperd 1978)."""
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
def _not_below(value, least):
    return least if value < least else value


@kernel
def _rotation(w, x, y, z):
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
def _complete(a):
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
