"""From the colours that Gaussians are trained and blended in to those that Blender computes in."""

from __future__ import annotations

import numpy as np

from ..kernels import srgb, thread_pool
from .cpu.srgb import decode_picture


def to_scene_linear(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied sRGB → premultiplied scene-linear Rec.709.

    Args:
        rgb: (H, W, 3), premultiplied by alpha, over black. Colours above 1 follow the curve on.
        alpha: (H, W).

    Returns:
        RGBA float32 (H, W, 4); 0 where alpha is 0.
    """
    rgb, alpha = np.ascontiguousarray(rgb, np.float32), np.ascontiguousarray(alpha, np.float32)
    rgba = np.zeros((*alpha.shape, 4), np.float32)
    flat = rgb.reshape(-1), alpha.reshape(-1), rgba.reshape(-1)
    thread_pool.run(thread_pool.thread_count(), decode_picture, *flat, np.zeros(1, np.int64))
    return rgba


def to_scene_linear_reference(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`to_scene_linear` in float64, readable."""
    alpha = np.asarray(alpha, np.float64)[..., None]
    straight = np.divide(rgb, alpha, out=np.zeros(np.shape(rgb)), where=alpha > 0)
    return np.concatenate([srgb.decode(straight) * alpha, alpha], axis=-1)
