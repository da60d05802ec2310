"""Gaussians carried by a deformed mesh."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.compilation import kernel
from ...kernels.thread_pool import atomic_increment
from .placing import rotation_rows, seen_colour
from .principal_axes import BLOCK, principal_axes
from .spherical_harmonics import view_dependent
from .vectors import cross, dot

_DEGENERATE = 1e-6


@kernel
def vertex_maps(before, after, triangles, maps):
    """Writes the affine map of each vertex: `reference.carrying.vertex_maps`.

    Args:
        before, after: float64 (V, 3).
        triangles: int32 (T, 3).
        maps: float64 (V, 3, 4), written.
    """
    maps[:] = 0.0
    weight = np.zeros(len(before))
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        u, v, area, normal = _sides(before, a, b, c)
        if area <= _DEGENERATE * max(dot(u, u), dot(v, v)):
            continue
        new_u, new_v, _, new_normal = _sides(after, a, b, c)
        across = area * _thickness(u, v, new_u, new_v, area * area)
        # The rows of the inverse of (u v normal), times the area.
        along_u, along_v = cross(v, normal), cross(normal, u)
        for corner in range(3):
            vertex = triangles[t, corner]
            weight[vertex] += area
            for row in range(3):
                for column in range(3):
                    maps[vertex, row, column] += (
                        new_u[row] * along_u[column]
                        + new_v[row] * along_v[column]
                        + across * new_normal[row] * normal[column]
                    )
    for vertex in range(len(before)):
        for row in range(3):
            moved = 0.0
            for column in range(3):
                if weight[vertex] > 0.0:
                    maps[vertex, row, column] /= weight[vertex]
                else:
                    maps[vertex, row, column] = 1.0 if row == column else 0.0
                moved += maps[vertex, row, column] * before[vertex, column]
            maps[vertex, row, 3] = after[vertex, row] - moved


@kernel
def carry(placement, nodes, weights, maps, cloud, carried, counter):
    """Writes the carried Gaussians, chunk after chunk until none is left.

    Args:
        placement: Placement, of `gaussians.placement`, of the deformed mesh's space.
        nodes, weights: of Binding.
        maps: float32 (V, 3, 4).
        cloud: CloudArrays.
        carried: CloudArrays, written, but for the opacities; spherical harmonics as `placing.place` does.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    a, axes, flat = np.empty(12, np.float32), np.empty((3, 3)), maps.reshape(-1)
    matrices, eye = np.empty((3, 3, BLOCK), np.float32), placement.eye
    while True:
        first = atomic_increment(counter) * BLOCK
        if first >= len(cloud.means):
            return
        count = min(BLOCK, len(cloud.means) - first)
        for i in range(first, first + count):
            a[:] = np.float32(0)
            for k in range(nodes.shape[1]):
                weight = weights[i, k]
                if weight == np.float32(0):
                    break
                node = 12 * np.int64(nodes[i, k])
                for number in range(12):
                    a[number] += weight * flat[node + number]
            x, y, z = cloud.means[i, 0], cloud.means[i, 1], cloud.means[i, 2]
            for row in range(3):
                carried.means[i, row] = a[4 * row] * x + a[4 * row + 1] * y + a[4 * row + 2] * z + a[4 * row + 3]
            turn = rotation_rows(cloud.quats[i, 0], cloud.quats[i, 1], cloud.quats[i, 2], cloud.quats[i, 3])
            for column in range(3):
                for row in range(3):
                    p, q, r = a[4 * row], a[4 * row + 1], a[4 * row + 2]
                    along = p * turn[0][column] + q * turn[1][column] + r * turn[2][column]
                    matrices[column, row, i - first] = along * cloud.scales[i, column]
            if cloud.sh.shape[1] > 1:
                # Not a function of its own: what holds the arrays would be copied for each Gaussian.
                ex, ey, ez = eye[0], eye[1], eye[2]
                if not placement.orthographic:
                    ex, ey, ez = carried.means[i, 0] - ex, carried.means[i, 1] - ey, carried.means[i, 2] - ez
                ex, ey, ez = _unmapped(a, ex, ey, ez)
                red, green, blue = view_dependent(cloud.sh, i, ex, ey, ez)
                carried.sh[i, 0, 0] = seen_colour(cloud.sh[i, 0, 0], red)
                carried.sh[i, 0, 1] = seen_colour(cloud.sh[i, 0, 1], green)
                carried.sh[i, 0, 2] = seen_colour(cloud.sh[i, 0, 2], blue)
        principal_axes(matrices, first, count, axes, carried.quats, carried.scales)


@kernel
def _sides(vertices, a, b, c):
    """The sides from a triangle's first corner, the length of their cross product, and that made as long as 1, or 0."""
    u = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
    v = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
    across = cross(u, v)
    area = math.sqrt(dot(across, across))
    scale = 1.0 / area if area > 0.0 else 0.0
    return u, v, area, (scale * across[0], scale * across[1], scale * across[2])


@kernel
def _thickness(u, v, new_u, new_v, square):
    """How much larger or smaller a triangle became in every direction: 1 where it did in one only.

    The stretches are the singular values of the map of its plane, the roots of the eigenvalues of the one metric by
    the other; `square` is the determinant of the first metric.
    """
    uu, uv, vv = dot(u, u), dot(u, v), dot(v, v)
    new_uu, new_uv, new_vv = dot(new_u, new_u), dot(new_u, new_v), dot(new_v, new_v)
    middle = 0.5 * (vv * new_uu - 2.0 * uv * new_uv + uu * new_vv) / square
    product = max(new_uu * new_vv - new_uv * new_uv, 0.0) / square
    most = middle + math.sqrt(max(middle * middle - product, 0.0))
    least = product / most if most > 0.0 else 0.0
    return math.sqrt(max(least, min(1.0, most)))


@kernel
def _unmapped(a, x, y, z):
    """The direction that a map's linear part takes to (x, y, z), of any length: by cofactors, which flat ones have."""
    first = np.float64(a[0]), np.float64(a[1]), np.float64(a[2])
    second = np.float64(a[4]), np.float64(a[5]), np.float64(a[6])
    third = np.float64(a[8]), np.float64(a[9]), np.float64(a[10])
    p, q, r = cross(second, third), cross(third, first), cross(first, second)
    sign = -1.0 if dot(first, p) < 0.0 else 1.0
    return (
        sign * (p[0] * x + q[0] * y + r[0] * z),
        sign * (p[1] * x + q[1] * y + r[1] * z),
        sign * (p[2] * x + q[2] * y + r[2] * z),
    )
