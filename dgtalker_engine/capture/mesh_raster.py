"""Which triangle of a mesh is seen at each pixel: a z-buffer, compiled, and its readable reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.compilation import kernel

NEAR = 0.01
"""Triangles with a corner nearer than this, metres, are left out."""


class Raster(NamedTuple):
    """What is seen at each pixel.

    Attributes:
        triangles: int32 (H, W); −1: none.
        barycentrics: of the point on the triangle in space (perspective is undone), float32 (H, W, 3); 0 where none.
        depth: planar depth, metres, float32 (H, W); infinite where none.
    """

    triangles: np.ndarray
    barycentrics: np.ndarray
    depth: np.ndarray


def rasterize(vertices_px: np.ndarray, depths: np.ndarray, faces: np.ndarray, height: int, width: int) -> Raster:
    """Rasterizes a mesh: at each pixel's centre the nearest triangle, seen from either side.

    Args:
        vertices_px: in the picture, pixels (V, 2); pixel centres lie at .5.
        depths: planar, metres (V,).
        faces: (F, 3).
        height, width: of the picture.
    """
    result = _nothing(height, width)
    _rasterize(
        np.ascontiguousarray(vertices_px, np.float64),
        np.ascontiguousarray(depths, np.float64),
        np.ascontiguousarray(faces, np.int64),
        *result,
    )
    return result


def rasterize_reference(
    vertices_px: np.ndarray, depths: np.ndarray, faces: np.ndarray, height: int, width: int
) -> Raster:
    """`rasterize`, readable: every triangle over every pixel. Of triangles at the same depth the first is seen."""
    result = _nothing(height, width)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    for triangle, corners in enumerate(faces):
        a, b, c = np.asarray(vertices_px, np.float64)[corners]
        z = np.asarray(depths, np.float64)[corners]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area == 0 or z.min() < NEAR:
            continue
        first = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
        second = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
        flat = np.stack([first, second, 1 - first - second], -1)
        inverse = flat / z
        depth = 1 / inverse.sum(-1)
        seen = (flat >= 0).all(-1) & (depth.astype(np.float32) < result.depth)
        result.triangles[seen] = triangle
        result.barycentrics[seen] = (inverse * depth[..., None])[seen]
        result.depth[seen] = depth[seen]
    return result


def _nothing(height: int, width: int) -> Raster:
    return Raster(
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 3), np.float32),
        np.full((height, width), np.inf, np.float32),
    )


@kernel
def _rasterize(vertices, depths, faces, triangles, barycentrics, depth):
    height, width = depth.shape
    for triangle in range(len(faces)):
        i, j, k = faces[triangle]
        zi, zj, zk = depths[i], depths[j], depths[k]
        if min(zi, zj, zk) < NEAR:
            continue
        ax, ay = vertices[i]
        bx, by = vertices[j]
        cx, cy = vertices[k]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        right = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        top = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                first = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                second = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                third = 1 - first - second
                if first < 0 or second < 0 or third < 0:
                    continue
                p, q, r = first / zi, second / zj, third / zk
                z = 1 / (p + q + r)
                if np.float32(z) < depth[row, column]:
                    depth[row, column] = z
                    triangles[row, column] = triangle
                    barycentrics[row, column, 0] = p * z
                    barycentrics[row, column, 1] = q * z
                    barycentrics[row, column, 2] = r * z
