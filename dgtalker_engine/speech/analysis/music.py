"""Whether somebody is heard in a stretch of sound, or only instruments.

Instruments hold their partials still, a voice hardly ever does; and what the recogniser makes of instruments is few
sounds of speech, always the same ones. Measured on chords, tunes and drums that were made for it, and on speech and
song alone and over them: neither of the two tells a song with accompaniment from its accompaniment, both together do.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from ..progress import Stage
from ..sound import RATE

STEADY = 0.25
"""`steadiness` of speech: 0.08 at most, of songs alone 0.24, of instruments other than drums 0.34 and above."""

FEW = 2.5
"""Sounds of speech a second: in words of speech 5 and more, of slow songs 3, of drums and noise hardly any."""

_SIZE, _STEP = 1024, 256
_LOWEST, _HIGHEST = 500.0, 4000.0
_HELD = 15
"""Frames, 0.24 s."""

_LONG = 4.0
_BLOCK = 60 * RATE
_SMOOTH = int(2.0 * RATE / _STEP)
_SETS_IN, _ENDS, _BETWEEN = 0.85, 0.3, 0.5


def steadiness(sound: np.ndarray) -> float:
    """The share of the power between 500 and 4000 Hz that lies in partials held still for a quarter of a second.

    Args:
        sound: float32 (n,) at `RATE`.
    """
    held, power = _partials(sound)
    loud = power > 1e-3 * np.percentile(power, 95)
    return float((held[loud] / power[loud]).mean()) if loud.any() else 0.0


def changes(samples: np.ndarray, progress: Stage) -> list[float]:
    """When instruments set in or end, seconds: nobody should be listened to across these times.

    Args:
        samples: of the whole recording, (n,) at `RATE`.
    """
    shares: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for start in range(0, len(samples), _BLOCK):
        progress.report(start / len(samples))
        # What the last windows of a block reach of the next one, so that frames stay `_STEP` samples apart throughout.
        held, power = _partials(samples[start : start + _BLOCK + _SIZE - _STEP].astype(np.float32))
        loud = power > 1e-3 * np.percentile(power, 95)
        shares.append(np.where(loud, held / (power + 1e-12), 0.0))
        weights.append(loud)
    smooth = [uniform_filter1d(np.concatenate(each).astype(np.float32), _SMOOTH) for each in (shares, weights)]
    held_share = smooth[0] / (smooth[1] + 1e-3)
    times: list[float] = []
    playing = False
    for frame in np.flatnonzero((held_share > _SETS_IN) | (held_share < _ENDS)):
        if playing == (held_share[frame] > _SETS_IN):
            continue
        passed = np.flatnonzero((held_share[:frame] < _BETWEEN) != playing)
        if len(passed):  # else they play from the start
            times.append(float(passed[-1]) * _STEP / RATE)
        playing = not playing
    return times


def is_music(steady: float, kinds: int, in_words: int, seconds: float) -> bool:
    """Whether there are instruments, or noises, and nobody.

    Args:
        steady: `steadiness`.
        kinds: how many different sounds of speech were heard without regard to words.
        in_words: how many sounds the recognised words have.
        seconds: the length of the sound.
    """
    # A few seconds of instruments may hold as many sounds as speech by chance.
    seconds = max(seconds, _LONG) if steady > STEADY else seconds
    variety = kinds / seconds
    return variety + min(in_words / seconds, 3.0 * variety) < FEW + 6.0 * max(steady - STEADY, 0.0)


def _partials(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The power in partials that are held, and in all, for each `_STEP` samples: float32 (frames,)."""
    if len(sound) < _SIZE:
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _SIZE)[::_STEP]
    spectrum = np.fft.rfft(frames * np.hanning(_SIZE).astype(np.float32), axis=1)
    power = np.abs(spectrum[:, int(_LOWEST * _SIZE / RATE) : int(_HIGHEST * _SIZE / RATE)]) ** 2
    peaks = np.zeros(power.shape, np.uint8)
    peaks[:, 1:-1] = (power[:, 1:-1] >= power[:, :-2]) & (power[:, 1:-1] >= power[:, 2:])
    held = maximum_filter1d(minimum_filter1d(peaks, _HELD, axis=0), _HELD, axis=0)
    held = maximum_filter1d(held, 3, axis=1)
    return (power * held).sum(axis=1), power.sum(axis=1)
