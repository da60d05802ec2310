"""Gradients of ellipses → those of the Gaussians in space: `projection` backwards, in its notation."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from ..constants import EPS2D, SH_C0
from .blending import NUMBER
from .blending_gradients import D_BLUE, D_DEPTH, D_GREEN, D_RED, HU, HUU, HUV, HV, HVV, SUMS, H
from .projection import BLUE, GREEN, NOT_DRAWN, RED
from .spherical_harmonics import view_dependent_gradients
from .vectors import cross, dot

# log α = -½ |y|², y = (u, v) · √(2 ln 2)
_SQUARE = 2.0 * math.log(2.0)


@kernel
def gather(pairs, pair_sums, first, last, sums):
    """Adds the sums of the pairs of Gaussians first to last, in the order of the pairs.

    Args:
        pairs: of `bin_tiles`.
        pair_sums: float32 (pairs, SUMS), of `blend_tiles_gradients`.
        sums: float32 (N, SUMS).
    """
    for k in range(len(pairs)):
        i = np.int64(pairs[k] & NUMBER)
        if first <= i < last:
            for column in range(SUMS):
                sums[i, column] += pair_sums[k, column]


@kernel
def project_gradients(view, cloud, first, last, records, depths, sums, gradients):
    """Writes the gradients of Gaussians first to last.

    Args:
        view: View.
        cloud: CloudArrays.
        records, depths: of `project`.
        sums: of `gather`.
        gradients: CloudArrays, written for all; 0 where a Gaussian is not seen.
    """
    v, t = view.rotation, view.translation
    v0, v1, v2 = (v[0, 0], v[0, 1], v[0, 2]), (v[1, 0], v[1, 1], v[1, 2]), (v[2, 0], v[2, 1], v[2, 2])
    for i in range(first, last):
        if depths[i] == NOT_DRAWN:
            gradients.means[i, :] = 0.0
            gradients.quats[i, :] = 0.0
            gradients.scales[i, :] = 0.0
            gradients.opacities[i] = 0.0
            gradients.sh[i, :, :] = 0.0
            continue
        mean = (np.float64(cloud.means[i, 0]), np.float64(cloud.means[i, 1]), np.float64(cloud.means[i, 2]))
        x, y, z = dot(v0, mean) + t[0], dot(v1, mean) + t[1], dot(v2, mean) + t[2]
        if view.orthographic:
            jx, jy, slope_x, slope_y = view.fx, view.fy, 0.0, 0.0
        else:
            jx, jy = view.fx / z, view.fy / z
            slope_x = min(max(x / z, view.left), view.right)
            slope_y = min(max(y / z, view.top), view.bottom)
        lean_x, lean_y = _plus(v0, -slope_x, v2), _plus(v1, -slope_y, v2)
        p, q = _times(jx, lean_x), _times(jy, lean_y)

        qw, qx = np.float64(cloud.quats[i, 0]), np.float64(cloud.quats[i, 1])
        qy, qz = np.float64(cloud.quats[i, 2]), np.float64(cloud.quats[i, 3])
        shorten = 1.0 / math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
        qw, qx, qy, qz = shorten * qw, shorten * qx, shorten * qy, shorten * qz
        r0 = (1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy + qw * qz), 2.0 * (qx * qz - qw * qy))
        r1 = (2.0 * (qx * qy - qw * qz), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz + qw * qx))
        r2 = (2.0 * (qx * qz + qw * qy), 2.0 * (qy * qz - qw * qx), 1.0 - 2.0 * (qx * qx + qy * qy))
        sx, sy, sz = np.float64(cloud.scales[i, 0]), np.float64(cloud.scales[i, 1]), np.float64(cloud.scales[i, 2])
        p_r, q_r = (dot(p, r0), dot(p, r1), dot(p, r2)), (dot(q, r0), dot(q, r1), dot(q, r2))
        m, n = (sx * p_r[0], sy * p_r[1], sz * p_r[2]), (sx * q_r[0], sy * q_r[1], sz * q_r[2])

        # Σ'⁻¹ = Lᵀ L, L = √(2 ln 2) ((a, b), (0, c)); y = L d.
        normal = cross(m, n)
        sharp = dot(normal, normal)
        xx, xy, yy = dot(m, m) + EPS2D, dot(m, n), dot(n, n) + EPS2D
        determinant = sharp + EPS2D * (xx + yy - EPS2D)
        a = math.sqrt(yy / (_SQUARE * determinant))
        b, c = -a * xy / yy, math.sqrt(1.0 / (_SQUARE * yy))
        h = np.float64(sums[i, H])
        hu, hv = np.float64(sums[i, HU]), np.float64(sums[i, HV])
        huu, huv, hvv = np.float64(sums[i, HUU]), np.float64(sums[i, HUV]), np.float64(sums[i, HVV])
        # ∂L/∂centre = Lᵀ Σ h y,  ∂L/∂Σ' = ½ Lᵀ (Σ h y yᵀ) L
        d_px, d_py = _SQUARE * a * hu, _SQUARE * (b * hu + c * hv)
        half = 0.5 * _SQUARE * _SQUARE
        d_xx = half * a * a * huu
        d_xy = half * a * (b * huu + c * huv)
        d_yy = half * (b * b * huu + 2.0 * b * c * huv + c * c * hvv)
        # The opacity has the factor √(det(Σ' - 0.3 I) / det Σ').
        d_xx -= 0.5 * h * _SQUARE * a * a
        d_xy -= 0.5 * h * _SQUARE * a * b
        d_yy -= 0.5 * h * _SQUARE * (b * b + c * c)
        d_m, d_n = _plus(_times(2.0 * d_xx, m), 2.0 * d_xy, n), _plus(_times(2.0 * d_xy, m), 2.0 * d_yy, n)
        d_m = _plus(d_m, h / sharp, cross(n, normal))
        d_n = _plus(d_n, h / sharp, cross(normal, m))
        gradients.opacities[i] = h / cloud.opacities[i]
        for axis in range(3):
            gradients.scales[i, axis] = d_m[axis] * p_r[axis] + d_n[axis] * q_r[axis]

        m_s, n_s = (d_m[0] * sx, d_m[1] * sy, d_m[2] * sz), (d_n[0] * sx, d_n[1] * sy, d_n[2] * sz)
        d_r0 = _plus(_times(m_s[0], p), n_s[0], q)
        d_r1 = _plus(_times(m_s[1], p), n_s[1], q)
        d_r2 = _plus(_times(m_s[2], p), n_s[2], q)
        d_qw = 2.0 * (qz * (d_r0[1] - d_r1[0]) + qy * (d_r2[0] - d_r0[2]) + qx * (d_r1[2] - d_r2[1]))
        d_qx = 2.0 * (qy * (d_r0[1] + d_r1[0]) + qz * (d_r0[2] + d_r2[0]) + qw * (d_r1[2] - d_r2[1]))
        d_qy = 2.0 * (qx * (d_r0[1] + d_r1[0]) + qz * (d_r1[2] + d_r2[1]) + qw * (d_r2[0] - d_r0[2]))
        d_qz = 2.0 * (qx * (d_r0[2] + d_r2[0]) + qy * (d_r1[2] + d_r2[1]) + qw * (d_r0[1] - d_r1[0]))
        d_qx -= 4.0 * qx * (d_r1[1] + d_r2[2])
        d_qy -= 4.0 * qy * (d_r0[0] + d_r2[2])
        d_qz -= 4.0 * qz * (d_r0[0] + d_r1[1])
        # A quaternion's length means nothing, so its gradient lies across it.
        along = d_qw * qw + d_qx * qx + d_qy * qy + d_qz * qz
        gradients.quats[i, 0] = shorten * (d_qw - along * qw)
        gradients.quats[i, 1] = shorten * (d_qx - along * qx)
        gradients.quats[i, 2] = shorten * (d_qy - along * qy)
        gradients.quats[i, 3] = shorten * (d_qz - along * qz)

        d_x, d_y, d_z = jx * d_px, jy * d_py, np.float64(sums[i, D_DEPTH])
        if not view.orthographic:
            d_p = _plus(_plus(_times(m_s[0], r0), m_s[1], r1), m_s[2], r2)
            d_q = _plus(_plus(_times(n_s[0], r0), n_s[1], r1), n_s[2], r2)
            d_z -= ((dot(d_p, lean_x) + d_px * x) * jx + (dot(d_q, lean_y) + d_py * y) * jy) / z
            if view.left < x / z < view.right:
                d_slope = -jx * dot(d_p, v2) / z
                d_x, d_z = d_x + d_slope, d_z - d_slope * slope_x
            if view.top < y / z < view.bottom:
                d_slope = -jy * dot(d_q, v2) / z
                d_y, d_z = d_y + d_slope, d_z - d_slope * slope_y
        d_mean = _plus(_plus(_times(d_x, v0), d_y, v1), d_z, v2)

        # Colours below 0 were raised to it.
        red = np.float64(sums[i, D_RED]) if records[i, RED] > 0.0 else 0.0
        green = np.float64(sums[i, D_GREEN]) if records[i, GREEN] > 0.0 else 0.0
        blue = np.float64(sums[i, D_BLUE]) if records[i, BLUE] > 0.0 else 0.0
        gradients.sh[i, 0, 0], gradients.sh[i, 0, 1], gradients.sh[i, 0, 2] = SH_C0 * red, SH_C0 * green, SH_C0 * blue
        if cloud.sh.shape[1] > 1:
            direction = (view.eye[0], view.eye[1], view.eye[2])
            if not view.orthographic:
                direction = _plus(mean, -1.0, direction)
            turned = view_dependent_gradients(
                cloud.sh, i, direction[0], direction[1], direction[2], red, green, blue, gradients.sh
            )
            if not view.orthographic:
                d_mean = _plus(d_mean, 1.0, turned)
        for axis in range(3):
            gradients.means[i, axis] = d_mean[axis]


@kernel
def _times(factor, a):
    return factor * a[0], factor * a[1], factor * a[2]


@kernel
def _plus(a, factor, b):
    return a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]
