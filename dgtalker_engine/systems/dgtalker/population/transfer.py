"""How soft light falls on a face: precomputed radiance transfer (Sloan et al. 2002), harmonics of degree 2."""

from __future__ import annotations

import numpy as np

from ....capture.mesh_raster import rasterize

_DIRECTIONS = 160
_SIDE = 320
_BIAS = 2.5
"""Millimetres that something must stand before a place to shade it."""
_AWAY = 1000.0


def harmonics(directions: np.ndarray) -> np.ndarray:
    """Real, orthonormal, of degree 0 to 2: (…, 3) → (…, 9)."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.stack(
        [
            0.282095 * np.ones_like(x),
            *(0.488603 * y, 0.488603 * z, 0.488603 * x),
            *(1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z),
            0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )


def sphere(count: int) -> np.ndarray:
    """Even directions (count, 3)."""
    index = np.arange(count) + 0.5
    z, turn = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)


def unshadowed(normals: np.ndarray) -> np.ndarray:
    """What of each harmonic arrives at an open surface (…, 9), over π: Ramamoorthi and Hanrahan (2001)."""
    return harmonics(normals) * np.array([1, *[2 / 3] * 3, *[1 / 4] * 5], np.float32)


def light_transfer(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """What of each harmonic arrives at the vertices of a mesh that shades itself, over π, float32 (V, 9).

    Args:
        vertices: millimetres (V, 3).
        normals: (V, 3).
        faces: (F, 3).
    """
    total = np.zeros((len(vertices), 9))
    scale = _SIDE / 420.0
    for direction in sphere(_DIRECTIONS):
        facing = np.maximum(normals @ direction, 0)
        side = np.cross(direction, [0.0, 0.0, 1.0] if abs(direction[2]) < 0.9 else [1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        up = np.cross(side, direction)
        middle = vertices.mean(axis=0)
        places = np.stack([(vertices - middle) @ side, (vertices - middle) @ up], axis=1) * scale + _SIDE / 2
        depths = _AWAY - vertices @ direction
        seen = rasterize(places, depths, faces, _SIDE, _SIDE).depth
        pixel = np.clip(places.astype(int), 0, _SIDE - 1)
        open_ = np.clip(1.5 - (depths - seen[pixel[:, 1], pixel[:, 0]]) / _BIAS, 0, 1)
        total += (facing * open_)[:, None] * harmonics(direction)
    return (total * 4 / _DIRECTIONS).astype(np.float32)
