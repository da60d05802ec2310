"""Premultiplied scene-linear floats → straight sRGB whole numbers, the pixels of PNG files."""

from __future__ import annotations

import numpy as np

from ...kernels import srgb
from ...kernels.compilation import kernel
from ...kernels.simd import LANES, any_of, every, load, maximum, minimum, store, where
from ...kernels.srgb import encode_lanes
from . import display


def to_bits(rgba: np.ndarray, bits: int, cube: np.ndarray | None = None) -> np.ndarray:
    """float32 (H, W, 4) → uint8 or big-endian uint16 (H, W, 4), through `display`'s cube where there is one."""
    if cube is not None:
        return display.to_integers(rgba, cube, (1 << bits) - 1).astype(np.uint8 if bits == 8 else ">u2")
    return to_8_bit(rgba) if bits == 8 else to_16_bit(rgba)


def brighter(stops: float) -> np.ndarray:
    """What a pixel, float32 (4,), is multiplied with."""
    factor = 2.0**stops
    return np.array([factor, factor, factor, 1], np.float32)


def over_black(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied colours as opaque ones, as Blender stores pictures without alpha; nothing stays nothing."""
    opaque = rgba.copy()
    opaque[..., 3] = rgba[..., 3] > 0
    return opaque


def to_8_bit(rgba: np.ndarray) -> np.ndarray:
    """float32 (H, W, 4) → uint8 (H, W, 4). Colours outside 0 to 1 are clipped; 0 where alpha is 0."""
    pixels = np.zeros(rgba.shape, np.uint8)
    _to_8_bit(_flat(rgba), pixels.reshape(-1))
    return pixels


def to_16_bit(rgba: np.ndarray) -> np.ndarray:
    """float32 (H, W, 4) → big-endian uint16 (H, W, 4), as `to_8_bit`."""
    pixels = np.zeros(rgba.shape, ">u2")
    _to_16_bit(_flat(rgba), pixels.reshape(-1).view(np.uint8))
    return pixels


def reference(rgba: np.ndarray, greatest: int) -> np.ndarray:
    """`to_8_bit` (greatest 255) and `to_16_bit` (65535) in float64, readable."""
    rgba = np.asarray(rgba, np.float64)
    colours, alpha = rgba[..., :3], np.clip(rgba[..., 3:], 0, 1)
    straight = np.clip(np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0), 0, 1)
    return np.rint(np.concatenate([srgb.encode(straight), alpha], axis=-1) * greatest).astype(np.uint16)


def _flat(rgba: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgba, np.float32).reshape(-1)


@kernel
def _to_8_bit(rgba, out):
    values, alphas = np.zeros(4 * LANES, np.float32), np.zeros(4 * LANES, np.float32)
    for first in range(0, len(rgba), 4 * LANES):
        last = min(first + 4 * LANES, len(rgba))
        if _encode(rgba, first, last, values, alphas):
            for i in range(last - first):
                out[first + i] = np.uint8(values[i] * np.float32(255) + np.float32(0.5))


@kernel
def _to_16_bit(rgba, out):
    values, alphas = np.zeros(4 * LANES, np.float32), np.zeros(4 * LANES, np.float32)
    for first in range(0, len(rgba), 4 * LANES):
        last = min(first + 4 * LANES, len(rgba))
        if _encode(rgba, first, last, values, alphas):
            for i in range(last - first):
                value = np.uint16(values[i] * np.float32(65535) + np.float32(0.5))
                out[2 * (first + i)] = value >> 8
                out[2 * (first + i) + 1] = value & 255


@kernel
def _encode(rgba, first, last, values, alphas):
    """Straight sRGB, 0 to 1, of up to 16 pixels; False, and nothing written, where all of them are transparent."""
    nothing, one = np.float32(0), every(np.float32(1))
    if last - first == 4 * LANES:
        seen = False
        for part in range(first, last, LANES):
            seen = seen or any_of(load(rgba, part) > nothing)
        if not seen:
            return False
    for pixel in range((last - first) // 4):
        for channel in range(4):
            values[4 * pixel + channel] = rgba[first + 4 * pixel + channel]
            alphas[4 * pixel + channel] = rgba[first + 4 * pixel + 3]
    for part in range(0, 4 * LANES, LANES):
        alpha = minimum(maximum(load(alphas, part), nothing), np.float32(1))
        seen = alpha > nothing
        store(alphas, part, alpha)
        straight = load(values, part) / where(seen, alpha, one)
        straight = where(seen, minimum(maximum(straight, nothing), np.float32(1)), every(nothing))
        store(values, part, minimum(encode_lanes(straight), np.float32(1)))
    for pixel in range(LANES):
        values[4 * pixel + 3] = alphas[4 * pixel + 3]
    return True
