"""Colours of Gaussians as a camera sees them: real spherical harmonics up to degree 3."""

from __future__ import annotations

import math

from ...kernels.compilation import kernel
from ..constants import SH_C1, SH_C2, SH_C3


@kernel
def view_dependent(sh, i, x, y, z):
    """What degrees 1 to 3 add to Gaussian i's red, green and blue, seen along (x, y, z), of any length."""
    red, green, blue = 0.0, 0.0, 0.0
    square = x * x + y * y + z * z
    scale = 1.0 / math.sqrt(square) if square > 0.0 else 0.0
    x, y, z = x * scale, y * scale, z * scale
    for k in range(1, sh.shape[1]):
        value = _basis(k, x, y, z)
        red += value * sh[i, k, 0]
        green += value * sh[i, k, 1]
        blue += value * sh[i, k, 2]
    return red, green, blue


@kernel
def view_dependent_gradients(sh, i, x, y, z, red, green, blue, d_sh):
    """Gradients through `view_dependent`, of a loss whose gradients of the colour are red, green and blue.

    Args:
        sh, i, x, y, z: of `view_dependent`.
        red, green, blue: float64.
        d_sh: float32 like sh, written for Gaussian i from degree 1 on.

    Returns:
        Gradients of x, y and z.
    """
    square = x * x + y * y + z * z
    scale = 1.0 / math.sqrt(square) if square > 0.0 else 0.0
    x, y, z = x * scale, y * scale, z * scale
    dx, dy, dz = 0.0, 0.0, 0.0
    for k in range(1, sh.shape[1]):
        value = _basis(k, x, y, z)
        d_sh[i, k, 0], d_sh[i, k, 1], d_sh[i, k, 2] = value * red, value * green, value * blue
        weight = red * sh[i, k, 0] + green * sh[i, k, 1] + blue * sh[i, k, 2]
        by_x, by_y, by_z = _basis_gradient(k, x, y, z)
        dx, dy, dz = dx + weight * by_x, dy + weight * by_y, dz + weight * by_z
    # Only what is across the direction changes it.
    along = dx * x + dy * y + dz * z
    return scale * (dx - along * x), scale * (dy - along * y), scale * (dz - along * z)


@kernel
def _basis(k, x, y, z):
    """The k-th function at a direction of length 1."""
    if k < 4:
        return -SH_C1 * y if k == 1 else (SH_C1 * z if k == 2 else -SH_C1 * x)
    xx, yy, zz = x * x, y * y, z * z
    if k == 4:
        return SH_C2[0] * x * y
    if k == 5:
        return SH_C2[1] * y * z
    if k == 6:
        return SH_C2[2] * (2.0 * zz - xx - yy)
    if k == 7:
        return SH_C2[3] * x * z
    if k == 8:
        return SH_C2[4] * (xx - yy)
    if k == 9:
        return SH_C3[0] * y * (3.0 * xx - yy)
    if k == 10:
        return SH_C3[1] * x * y * z
    if k == 11:
        return SH_C3[2] * y * (4.0 * zz - xx - yy)
    if k == 12:
        return SH_C3[3] * z * (2.0 * zz - 3.0 * xx - 3.0 * yy)
    if k == 13:
        return SH_C3[4] * x * (4.0 * zz - xx - yy)
    if k == 14:
        return SH_C3[5] * z * (xx - yy)
    return SH_C3[6] * x * (xx - 3.0 * yy)


@kernel
def _basis_gradient(k, x, y, z):
    """The derivatives of `_basis` by x, y and z, as the polynomials stand there."""
    if k < 4:
        return 0.0 if k < 3 else -SH_C1, -SH_C1 if k == 1 else 0.0, SH_C1 if k == 2 else 0.0
    xx, yy, zz = x * x, y * y, z * z
    if k == 4:
        return SH_C2[0] * y, SH_C2[0] * x, 0.0
    if k == 5:
        return 0.0, SH_C2[1] * z, SH_C2[1] * y
    if k == 6:
        return -2.0 * SH_C2[2] * x, -2.0 * SH_C2[2] * y, 4.0 * SH_C2[2] * z
    if k == 7:
        return SH_C2[3] * z, 0.0, SH_C2[3] * x
    if k == 8:
        return 2.0 * SH_C2[4] * x, -2.0 * SH_C2[4] * y, 0.0
    if k == 9:
        return 6.0 * SH_C3[0] * x * y, 3.0 * SH_C3[0] * (xx - yy), 0.0
    if k == 10:
        return SH_C3[1] * y * z, SH_C3[1] * x * z, SH_C3[1] * x * y
    if k == 11:
        return -2.0 * SH_C3[2] * x * y, SH_C3[2] * (4.0 * zz - xx - 3.0 * yy), 8.0 * SH_C3[2] * y * z
    if k == 12:
        return -6.0 * SH_C3[3] * x * z, -6.0 * SH_C3[3] * y * z, SH_C3[3] * (6.0 * zz - 3.0 * xx - 3.0 * yy)
    if k == 13:
        return SH_C3[4] * (4.0 * zz - 3.0 * xx - yy), -2.0 * SH_C3[4] * x * y, 8.0 * SH_C3[4] * x * z
    if k == 14:
        return 2.0 * SH_C3[5] * x * z, -2.0 * SH_C3[5] * y * z, SH_C3[5] * (xx - yy)
    return 3.0 * SH_C3[6] * (xx - yy), -6.0 * SH_C3[6] * x * y, 0.0
