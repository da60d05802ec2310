"""The same words in another voice: the positives of the contrast that makes the audio encoder universal (eq. 2).

The paper converts timbres with a trained network; here the pitch is moved and the spectral envelope, where the formants
are, is stretched. When something is said does not change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from scipy.signal import istft, stft

from ..sound import RATE

_WINDOW, _HOP = 512, 128
_BINS = _WINDOW // 2 + 1
# Of the cepstrum, what describes the envelope: voices below 400 Hz have their harmonics beyond.
_ENVELOPE = RATE // 400
_FLOOR = 1e-7
_PIECE, _SEARCH = 400, 160
"""Samples that a sound is stretched by, and by which each may move."""


@dataclass(frozen=True)
class Timbre:
    """How a voice is changed.

    Attributes:
        pitch: times the fundamental frequency.
        formants: times the frequencies of the envelope, as a shorter throat has them.
        tilt: decibels an octave above 500 Hz.
    """

    pitch: float
    formants: float
    tilt: float = 0.0


def draw(random: np.random.Generator) -> Timbre:
    """A timbre that is clearly another one, and still a person's."""
    sign = 1.0 if random.random() < 0.5 else -1.0
    pitch = float(np.exp(sign * random.uniform(0.12, 0.4)))
    # High voices mostly come from short throats.
    formants = float(np.exp(sign * random.uniform(0.04, 0.17)))
    return Timbre(pitch, formants, float(random.uniform(-3.0, 3.0)))


def convert(samples: np.ndarray, timbre: Timbre) -> np.ndarray:
    """A sound in another timbre.

    Args:
        samples: mono (n,) at `sound.RATE`.
        timbre: the change.

    Returns:
        float32 (n,), of the same loudness.
    """
    if len(samples) < _WINDOW:
        return samples.astype(np.float32)
    whole = samples.astype(np.float64)
    # Played faster everything is higher, formants too; said as slowly as before, only the formants are to be put right.
    moved = _stretched(soxr.resample(whole, RATE * timbre.pitch, RATE), len(samples))
    _, _, spectrum = stft(moved, RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    envelope = _envelope(np.abs(spectrum))
    bins = np.arange(_BINS)
    wanted = _along(envelope, bins * timbre.pitch / timbre.formants)
    octaves = np.log2(np.maximum(bins * RATE / _WINDOW, 500.0) / 500.0)
    spectrum *= wanted / envelope * 10.0 ** (timbre.tilt * octaves / 20.0)[:, None]
    _, result = istft(spectrum, RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    result = np.pad(result, (0, max(len(samples) - len(result), 0)))[: len(samples)]
    loudness = np.sqrt((whole**2).mean() / ((result**2).mean() + 1e-12))
    return (result * loudness).astype(np.float32)


def _stretched(samples: np.ndarray, length: int) -> np.ndarray:
    """A sound that lasts `length` samples at the same pitch: WSOLA (Verhelst and Roelands 1993)."""
    half = _PIECE // 2
    padded = np.pad(samples, (half + _SEARCH, _PIECE + 2 * _SEARCH + half))
    window = np.hanning(_PIECE + 1)[:-1]
    result = np.zeros(length + 2 * _PIECE)
    speed = len(samples) / length
    last = _SEARCH
    for start in range(0, length + half, half):
        place = min(int(start * speed), len(samples) - 1)
        if start:
            # Where the sound goes on most as it would have after the last piece.
            follows = padded[last + half : last + half + _PIECE]
            around = padded[place : place + _PIECE + 2 * _SEARCH]
            place += int(np.argmax(np.correlate(around, follows, "valid")))
        else:
            place += _SEARCH
        result[start : start + _PIECE] += padded[place : place + _PIECE] * window
        last = min(place, len(padded) - _PIECE - half)
    return result[half : half + length]


def _envelope(size: np.ndarray) -> np.ndarray:
    """The smooth part of spectra (bins, frames), by their cepstrum."""
    logarithm = np.log(size + _FLOOR)
    cepstrum = np.fft.irfft(logarithm, axis=0)
    keep = np.zeros(len(cepstrum))
    keep[:_ENVELOPE] = 1.0
    keep[-_ENVELOPE + 1 :] = 1.0
    return np.exp(np.fft.rfft(cepstrum * keep[:, None], axis=0).real)


def _along(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows (bins, frames) at places between bins, the last one beyond."""
    places = np.clip(places, 0, len(rows) - 1)
    lower = places.astype(int)
    upper = np.minimum(lower + 1, len(rows) - 1)
    weight = (places - lower)[:, None]
    return rows[lower] * (1 - weight) + rows[upper] * weight
