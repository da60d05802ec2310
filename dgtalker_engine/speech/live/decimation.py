"""From the microphone's rate to the encoder's, block by block, with a millisecond of delay."""

from __future__ import annotations

import numpy as np

from ..sound import RATE

CAPTURE_RATE = 48000
"""Hz, of what is captured and kept."""

FACTOR = CAPTURE_RATE // RATE

HALF = 48
"""Samples before and after the one that is kept which it depends on."""

CUTOFF = 7200.0
"""Hz; what is heard above 7.6 kHz is in no band of `lipsync.spectrum`."""


def _low_pass() -> np.ndarray:
    """Windowed-sinc taps float32 (2 `HALF` + 1,), as `scipy.signal.firwin` has them, which takes a second to load."""
    cutoff = 2 * CUTOFF / CAPTURE_RATE  # of half the rate
    taps = np.sinc(cutoff * np.arange(-HALF, HALF + 1)) * np.hamming(2 * HALF + 1)
    return (taps / taps.sum()).astype(np.float32)


TAPS = _low_pass()


class Decimator:
    """One recording at `CAPTURE_RATE` to `sound.RATE`: sample i of what is returned is at the time of sample 3 i."""

    def __init__(self) -> None:
        self._left = np.zeros(HALF, np.float32)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Float32 (m,): what is known after more samples, float32 (n,)."""
        self._left = np.concatenate([self._left, samples])
        if len(self._left) <= 2 * HALF:
            return np.zeros(0, np.float32)
        kept = np.lib.stride_tricks.sliding_window_view(self._left, 2 * HALF + 1)[::FACTOR] @ TAPS
        self._left = self._left[len(kept) * FACTOR :]
        return kept
