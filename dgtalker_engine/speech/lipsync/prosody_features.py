"""What the expression encoder is given: loudness, pitch and stress."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, uniform_filter1d

from ..analysis.prosody import Syllable
from .encoders import PROSODY
from .spectrum import HOP

_WINDOW = int(4.0 / HOP) | 1
_FADE = 0.08 / HOP
_RANGE = 30.0
_SEMITONES = 4.0


def inputs(level: np.ndarray, f0: np.ndarray, syllables: Sequence[Syllable], blink: np.ndarray) -> np.ndarray:
    """A row every `spectrum.HOP`: float32 (frames, `encoders.PROSODY` and eyeBlink), 0 in silence.

    Args:
        level: `activity.loudness` (frames,).
        f0: `prosody.estimate_f0` (frames,).
        syllables: in order.
        blink: how far the lids are closed, 0–1 (frames,).
    """
    frames = len(level)
    peak = maximum_filter1d(uniform_filter1d(level, 5, mode="nearest"), _WINDOW, mode="nearest")
    loud = np.clip(1.0 + (level - peak) / _RANGE, 0.0, 1.0)
    voiced = np.isfinite(f0).astype(np.float32)
    known = np.where(voiced > 0, f0, 0.0)
    usual = uniform_filter1d(known, _WINDOW, mode="nearest")
    usual = usual / np.maximum(uniform_filter1d(voiced, _WINDOW, mode="nearest"), 1e-3)
    pitch = np.clip((known - usual) / _SEMITONES, -2.0, 2.0) * voiced
    stress = np.zeros(frames, np.float32)
    for syllable in syllables:
        stress[min(int(syllable.time / HOP), frames - 1)] += max(syllable.prominence, 0.0) / HOP * 0.1
    curves = {"loudness": loud, "pitch": pitch, "voiced": voiced, "prominence": stress}
    rows = [gaussian_filter1d(curves[name].astype(np.float32), _FADE, mode="nearest") for name in PROSODY]
    return np.stack([*rows, blink.astype(np.float32)], axis=1)
