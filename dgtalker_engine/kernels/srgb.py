"""The transfer function of sRGB (IEC 61966-2-1), both ways: for arrays and tensors, and for vectors in kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compilation import kernel
from .fast_math import exp2, log2
from .simd import maximum, where

SLOPE = 12.92
OFFSET = 0.055
SCALE = 1.055
GAMMA = 2.4
ENCODED_THRESHOLD = 0.04045
"""Encoded values up to this one are linear; `LINEAR_THRESHOLD` is what it decodes to, as the standard rounds it."""
LINEAR_THRESHOLD = 0.0031308


def decode(encoded: Any, xp: Any = np) -> Any:
    """sRGB → linear; values above 1 follow the curve on.

    Args:
        encoded: an array, or a tensor, then with gradients.
        xp: the module that it belongs to: numpy or torch.
    """
    curve = ((xp.clip(encoded, ENCODED_THRESHOLD, None) + OFFSET) / SCALE) ** GAMMA
    return xp.where(encoded <= ENCODED_THRESHOLD, encoded / SLOPE, curve)


def encode(linear: Any, xp: Any = np) -> Any:
    """Linear → sRGB; values above 1 follow the curve on. Arguments as `decode` has them."""
    curve = SCALE * xp.clip(linear, LINEAR_THRESHOLD, None) ** (1 / GAMMA) - OFFSET
    return xp.where(linear <= LINEAR_THRESHOLD, SLOPE * linear, curve)


@kernel
def decode_lanes(values):
    """`decode` of 16 float32."""
    base = (maximum(values, np.float32(ENCODED_THRESHOLD)) + np.float32(OFFSET)) * np.float32(1 / SCALE)
    curve = exp2(np.float32(GAMMA) * log2(base))
    return where(values > np.float32(ENCODED_THRESHOLD), curve, values * np.float32(1 / SLOPE))


@kernel
def encode_lanes(values):
    """`encode` of 16 float32."""
    base = maximum(values, np.float32(LINEAR_THRESHOLD))
    curve = exp2(log2(base) * np.float32(1 / GAMMA)) * np.float32(SCALE) - np.float32(OFFSET)
    return where(values > np.float32(LINEAR_THRESHOLD), curve, values * np.float32(SLOPE))
