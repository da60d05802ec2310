"""The turns of a head as controls that turn it over a still neck, and back; in NumPy, since Blender has no SciPy."""

from __future__ import annotations

import numpy as np

from ..rig import HEAD_NAMES, NECK_TURNS
from .record import Performance

NECK_NAMES = tuple(NECK_TURNS)
_AT_ONE = np.array([NECK_TURNS[name] for name in NECK_NAMES])
"""Rotation vectors (3, 3), one a row."""
_TO_WEIGHTS = np.linalg.inv(_AT_ONE)


def over_neck(performance: Performance) -> Performance:
    """A performance whose head turns by the controls `NECK_NAMES` instead of as a whole (`rig.HEAD_NAMES`).

    Both turns are one after the other where it has both. Weights exceed 1 where it turns further than controls can.
    """
    if not set(HEAD_NAMES) & set(performance.names):
        return performance
    total = _product(_of_euler(performance.select(HEAD_NAMES)), _of_neck(performance))
    return _with(performance, NECK_NAMES, _vectors(total) @ _TO_WEIGHTS)


def as_a_whole(performance: Performance) -> Performance:
    """`over_neck` backwards: the head turns as a whole, as other programs know it."""
    if not set(NECK_NAMES) & set(performance.names):
        return performance
    total = _product(_of_euler(performance.select(HEAD_NAMES)), _of_neck(performance))
    w, x, y, z = total.T
    pitch = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    roll = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return _with(performance, HEAD_NAMES, np.stack([yaw, pitch, roll], axis=1))


def _with(performance: Performance, names: tuple[str, ...], curves: np.ndarray) -> Performance:
    """Curves (frames, 3) of these names in place of all that turns the head."""
    stay = tuple(name for name in performance.names if name not in (*HEAD_NAMES, *NECK_NAMES))
    weights = np.concatenate([performance.select(stay), curves], axis=1).astype(np.float32)
    return Performance(performance.fps, stay + names, weights)


def _of_neck(performance: Performance) -> np.ndarray:
    """Quaternions wxyz (frames, 4) of what the controls turn: the sum of their rotation vectors, as joints add them."""
    return _quaternions(performance.select(NECK_NAMES).astype(np.float64) @ _AT_ONE)


def _of_euler(angles: np.ndarray) -> np.ndarray:
    """Likewise of yaw, pitch and roll (frames, 3)."""
    about_z, about_x, about_y = (
        _quaternions(angles[:, i, None].astype(np.float64) * axis) for i, axis in enumerate(np.eye(3)[[2, 0, 1]])
    )
    return _product(about_z, _product(about_y, about_x))


def _quaternions(vectors: np.ndarray) -> np.ndarray:
    """Of rotation vectors (frames, 3)."""
    half = np.linalg.norm(vectors, axis=1, keepdims=True) / 2
    return np.concatenate([np.cos(half), vectors * np.sinc(half / np.pi) / 2], axis=1)


def _vectors(quaternions: np.ndarray) -> np.ndarray:
    """The rotation vectors (frames, 3) of unit quaternions, the shorter way round."""
    quaternions = np.where(quaternions[:, :1] < 0, -quaternions, quaternions)
    sine = np.linalg.norm(quaternions[:, 1:], axis=1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternions[:, :1])
    return quaternions[:, 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2)


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Turns by `second`, then by `first`; quaternions (frames, 4)."""
    (a, u), (b, v) = ((each[:, :1], each[:, 1:]) for each in (first, second))
    return np.concatenate([a * b - np.sum(u * v, axis=1, keepdims=True), a * v + b * u + np.cross(u, v)], axis=1)
