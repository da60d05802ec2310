"""Gaussians in the world → ellipses in the picture.

EWA splatting (Zwicker et al. 2001) as 3D Gaussian Splatting (Kerbl et al. 2023, section 4) and gsplat do it:

    Σ' = J W Σ Wᵀ Jᵀ + 0.3 I,   Σ = R S Sᵀ Rᵀ

    pinhole       J = [[fx/z, 0, -fx·x/z²],   orthographic  J = [[fx, 0, 0],
                       [0, fy/z, -fy·y/z²]]                      [0, fy, 0]]

where x/z and y/z in the pinhole's J are clamped to 1.3 times the picture. A pixel at d from the centre has
α = opacity · exp(-½ dᵀ Σ'⁻¹ d), kept as a power of two of a sum of squares, so that it is never above the opacity:

    log2 α = log2 opacity - (a·dx + b·dy)² - (c·dy)²
"""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from ..constants import ALPHA_THRESHOLD, EPS2D, SH_C0
from .spherical_harmonics import view_dependent

# A record, 16 float32: one line of the processor's cache.
RECORD = 16
X, Y = 0, 1  # centre, pixels of the whole picture
REACH_X, REACH_Y = 2, 3  # from the centre to where α falls to 1/255, pixels
A, B, C, LOG_OPACITY = 4, 5, 6, 7  # as above
INVERSE_A = 8
WIDEST_Y = 9  # dy of the ellipse's rightmost point
RED, GREEN, BLUE, DEPTH = 10, 11, 12, 13

NOT_DRAWN = np.uint32(0xFFFFFFFF)

_HALF_LOG2_E = 0.5 / math.log(2.0)
LOG2_ALPHA_THRESHOLD = np.float32(math.log2(ALPHA_THRESHOLD))


def empty_records(count: int) -> np.ndarray:
    """float32 (count, RECORD), not filled, a line of the processor's cache each."""
    line = RECORD * 4  # bytes
    space = np.empty((count + 1) * RECORD, np.float32)
    first = -space.ctypes.data % line // 4
    return space[first : first + count * RECORD].reshape(count, RECORD)


@kernel
def project(view, cloud, first, last, records, depths):
    """Writes the records of Gaussians first to last, and their depths' bits, which sort as the depths do.

    Args:
        view: View.
        cloud: CloudArrays.
        records: float32 (N, 16), written for those Gaussians that may be seen.
        depths: uint32 (N,), written for all; NOT_DRAWN where a Gaussian is not seen.

    Returns:
        Whether all could be used: finite, with no quaternion of length 0. (Spherical harmonics are looked at where a
        Gaussian is seen.)
    """
    v, t = view.rotation, view.translation
    means, quats, scales, sh = cloud.means, cloud.quats, cloud.scales, cloud.sh
    for i in range(first, last):
        depths[i] = NOT_DRAWN
        mx, my, mz = np.float64(means[i, 0]), np.float64(means[i, 1]), np.float64(means[i, 2])
        qw, qx = np.float64(quats[i, 0]), np.float64(quats[i, 1])
        qy, qz = np.float64(quats[i, 2]), np.float64(quats[i, 3])
        sx, sy, sz = np.float64(scales[i, 0]), np.float64(scales[i, 1]), np.float64(scales[i, 2])
        opacity = np.float64(cloud.opacities[i])
        norm = qw * qw + qx * qx + qy * qy + qz * qz
        if not (math.isfinite(mx + my + mz + sx + sy + sz + opacity + norm) and norm > 0.0):
            return False

        z = v[2, 0] * mx + v[2, 1] * my + v[2, 2] * mz + t[2]
        if z < view.near or z > view.far or opacity < ALPHA_THRESHOLD or (z <= 0.0 and not view.orthographic):
            continue
        x = v[0, 0] * mx + v[0, 1] * my + v[0, 2] * mz + t[0]
        y = v[1, 0] * mx + v[1, 1] * my + v[1, 2] * mz + t[1]

        # The rows of J W.
        if view.orthographic:
            jx, jy, slope_x, slope_y = view.fx, view.fy, 0.0, 0.0
        else:
            near = 1.0 / z
            jx, jy = view.fx * near, view.fy * near
            slope_x = min(max(x * near, view.left), view.right)
            slope_y = min(max(y * near, view.top), view.bottom)
        px, py = jx * x + view.cx, jy * y + view.cy
        p0 = jx * (v[0, 0] - slope_x * v[2, 0])
        p1 = jx * (v[0, 1] - slope_x * v[2, 1])
        p2 = jx * (v[0, 2] - slope_x * v[2, 2])
        q0 = jy * (v[1, 0] - slope_y * v[2, 0])
        q1 = jy * (v[1, 1] - slope_y * v[2, 1])
        q2 = jy * (v[1, 2] - slope_y * v[2, 2])

        # J W R S, column by column.
        two = 2.0 / norm
        xx, yy, zz = two * qx * qx, two * qy * qy, two * qz * qz
        xy, xz, yz = two * qx * qy, two * qx * qz, two * qy * qz
        wx, wy, wz = two * qw * qx, two * qw * qy, two * qw * qz
        m0 = sx * (p0 * (1.0 - yy - zz) + p1 * (xy + wz) + p2 * (xz - wy))
        m1 = sy * (p0 * (xy - wz) + p1 * (1.0 - xx - zz) + p2 * (yz + wx))
        m2 = sz * (p0 * (xz + wy) + p1 * (yz - wx) + p2 * (1.0 - xx - yy))
        n0 = sx * (q0 * (1.0 - yy - zz) + q1 * (xy + wz) + q2 * (xz - wy))
        n1 = sy * (q0 * (xy - wz) + q1 * (1.0 - xx - zz) + q2 * (yz + wx))
        n2 = sz * (q0 * (xz + wy) + q1 * (yz - wx) + q2 * (1.0 - xx - yy))

        sharp_xx = m0 * m0 + m1 * m1 + m2 * m2
        sharp_yy = n0 * n0 + n1 * n1 + n2 * n2
        xy = m0 * n0 + m1 * n1 + m2 * n2
        # det Σ' as a sum of squares: as a difference of products it would cancel for long, thin Gaussians.
        d0, d1, d2 = m1 * n2 - m2 * n1, m2 * n0 - m0 * n2, m0 * n1 - m1 * n0
        sharp = d0 * d0 + d1 * d1 + d2 * d2
        xx, yy = sharp_xx + EPS2D, sharp_yy + EPS2D
        determinant = sharp + EPS2D * (sharp_xx + sharp_yy + EPS2D)
        # What could not be written down in float32; also true where any of them is NaN.
        if not (abs(px) < 1e30 and abs(py) < 1e30 and determinant < 1e60):
            continue
        # What is smaller than a pixel grows to its size and keeps the amount of its light (Mip-Splatting, eq. 10).
        inverse = 1.0 / determinant
        opacity *= math.sqrt(np.float32(sharp * inverse))
        if opacity < ALPHA_THRESHOLD:
            continue

        log_opacity = min(np.float64(math.log2(np.float32(opacity))), 126.0)
        square_reach = (log_opacity - LOG2_ALPHA_THRESHOLD) * (1.0 / _HALF_LOG2_E)
        reach_x, reach_y = math.sqrt(square_reach * xx), math.sqrt(square_reach * yy)
        if px + reach_x <= view.x0 or px - reach_x >= view.x1 or py + reach_y <= view.y0 or py - reach_y >= view.y1:
            continue

        red, green, blue = 0.5 + SH_C0 * sh[i, 0, 0], 0.5 + SH_C0 * sh[i, 0, 1], 0.5 + SH_C0 * sh[i, 0, 2]
        if sh.shape[1] > 1:
            ex, ey, ez = view.eye[0], view.eye[1], view.eye[2]
            if not view.orthographic:
                ex, ey, ez = mx - ex, my - ey, mz - ez
            more_red, more_green, more_blue = view_dependent(sh, i, ex, ey, ez)
            red, green, blue = red + more_red, green + more_green, blue + more_blue
        if not math.isfinite(red + green + blue):
            return False

        a = math.sqrt(_HALF_LOG2_E * yy * inverse)
        records[i, X] = px
        records[i, Y] = py
        records[i, REACH_X] = reach_x
        records[i, REACH_Y] = reach_y
        records[i, A] = a
        records[i, B] = -a * xy / yy
        records[i, C] = math.sqrt(_HALF_LOG2_E / yy)
        records[i, LOG_OPACITY] = log_opacity
        records[i, INVERSE_A] = 1.0 / a
        records[i, WIDEST_Y] = xy / xx * reach_x
        records[i, RED] = max(red, 0.0)
        records[i, GREEN] = max(green, 0.0)
        records[i, BLUE] = max(blue, 0.0)
        records[i, DEPTH] = z
        # 0.0 is added since -0.0 would sort last.
        depths[i] = np.float32(z + 0.0).view(np.uint32)
    return True
