"""What the sound encoder hears: log-mel energies, made independent of loudness, microphone and room."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ..sound import RATE

HOP = 0.01
"""Seconds a frame."""

BANDS = 80

QUIETEST = -4.0
"""What `normalised` makes of silence."""

_WINDOW, _SIZE = int(0.025 * RATE), 512
_LOWEST, _HIGHEST = 60.0, 7600.0
_BLOCK = 4096
_SURROUNDINGS = int(12.0 / HOP) | 1
_FLOOR = 30.0


@cache
def _bank() -> np.ndarray:
    """Triangles of equal width in mel, float32 (257, bands)."""
    top, bottom = (2595.0 * np.log10(1.0 + f / 700.0) for f in (_HIGHEST, _LOWEST))
    edges = 700.0 * (10.0 ** (np.linspace(bottom, top, BANDS + 2) / 2595.0) - 1.0)
    frequency = np.arange(_SIZE // 2 + 1) * RATE / _SIZE
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequency - left) / (middle - left), (right - frequency) / (right - middle)
    return np.maximum(0.0, np.minimum(rising, falling)).T.astype(np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Energies in dB every `HOP`, each frame's window about its time: float32 (n // 160 + 1, bands)."""
    hop = int(HOP * RATE)
    frames = len(samples) // hop + 1
    padded = np.pad(samples.astype(np.float32, copy=False), (_WINDOW // 2, _WINDOW + hop))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop][:frames]
    shape = np.hanning(_WINDOW).astype(np.float32)
    result = np.empty((frames, BANDS), np.float32)
    for start in range(0, frames, _BLOCK):
        block = windows[start : start + _BLOCK]
        emphasised = np.concatenate([block[:, :1], block[:, 1:] - 0.97 * block[:, :-1]], axis=1)
        power = np.abs(np.fft.rfft(emphasised * shape, _SIZE)) ** 2
        result[start : start + len(block)] = 10.0 * np.log10(power.astype(np.float32) @ _bank() + 1e-9)
    return result


def normalised(energies: np.ndarray) -> np.ndarray:
    """Energies about those of the speech around them (12 s): float32 (n, bands), mostly within ±2.

    Each band's mean over loud frames is taken away, and all bands are scaled by one number.
    """
    level = energies.mean(axis=1)
    window = _SURROUNDINGS
    from_peak = level - _running_peak(level, window)
    loud = (from_peak > -_FLOOR * 0.5).astype(np.float32)
    share = uniform_filter1d(loud, window, mode="constant") + 1e-6
    mean = uniform_filter1d(energies * loud[:, None], window, axis=0, mode="constant") / share[:, None]
    apart = energies - mean
    spread = np.sqrt(uniform_filter1d((apart**2).mean(axis=1) * loud, window, mode="constant") / share)
    return np.clip(apart / np.maximum(spread, 3.0)[:, None], QUIETEST, -QUIETEST).astype(np.float32)


def _running_peak(level: np.ndarray, window: int) -> np.ndarray:
    return maximum_filter1d(uniform_filter1d(level, 5, mode="nearest"), window, mode="nearest")
