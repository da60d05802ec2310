"""Videos for bright screens (HDR, as phones film) to the colours of ordinary ones.

ITU-R BT.2100 gives the light that such a screen is to show, BT.2408 says that 203 cd/m² of it are the white of an
ordinary picture. What is brighter is bent into what is left above `KNEE`, without a change of hue.
"""

from __future__ import annotations

from functools import cache

import numpy as np

PQ, HLG = 16, 18
"""Of transfer curves, as FFmpeg numbers them."""

WHITE = 203.0
"""Reference white, cd/m² (BT.2408)."""
KNEE = 0.8
"""Of the linear range of an ordinary picture: up to it light stays as it is."""

_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
"""A screen's brightest white, cd/m², for which HLG is graded, and the power of luminance that belongs to it."""
_PQ_PEAK = 10000.0
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BT2020_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
_STEPS = 4096  # of linear light, of the table that encodes it; by its square root, which spreads out the dark


def _hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """BT.2100's inverse OETF: 0 to 1 → 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _pq_to_light(signal: np.ndarray) -> np.ndarray:
    """BT.2100's EOTF: 0 to 1 → cd/m², 0 to 10000."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    return _PQ_PEAK * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


@cache
def _decoded(transfer: int) -> np.ndarray:
    """float32 (65536,): the light of each signal."""
    signals = np.arange(1 << 16) / 65535
    return (_hlg_to_scene if transfer == HLG else _pq_to_light)(signals).astype(np.float32)


@cache
def _encoded() -> np.ndarray:
    """uint8 (_STEPS,): sRGB of linear light."""
    from ..kernels import srgb  # it brings Numba, which most videos do without

    return np.rint(255 * srgb.encode((np.arange(_STEPS) / (_STEPS - 1)) ** 2)).astype(np.uint8)


def to_srgb(signal: np.ndarray, transfer: int) -> np.ndarray:
    """A picture in BT.2020's colours to sRGB.

    Args:
        signal: uint16 (H, W, 3), RGB as the file encodes it, the whole range.
        transfer: PQ or HLG.

    Returns:
        uint8 (H, W, 3).
    """
    light = _decoded(transfer)[signal]
    if transfer == HLG:
        luminance = np.maximum(light @ _LUMINANCE, 1e-6)
        light *= (_HLG_PEAK * luminance ** (_HLG_GAMMA - 1))[..., None]
    linear = np.maximum((light / np.float32(WHITE)) @ _BT2020_TO_BT709.T, 0)
    brightest = linear.max(axis=-1)
    over = brightest > KNEE
    bent = KNEE + (1 - KNEE) * (1 - np.exp((KNEE - brightest[over]) / (1 - KNEE)))
    linear[over] *= (bent / brightest[over])[:, None]
    return _encoded()[np.rint((_STEPS - 1) * np.sqrt(linear)).astype(np.int32)]
