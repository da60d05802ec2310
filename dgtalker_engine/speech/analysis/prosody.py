"""Pitch and stress of speech: f0, loudness, and which syllables stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from ..progress import Stage
from ..recognition.phones import VOWELS, SpokenPhone
from ..sound import RATE
from .activity import HOP, Span

_LOWEST, _HIGHEST = 65.0, 420.0
_STEP = 4
_WINDOW = int(0.04 * RATE / _STEP)
_VOICED = 0.45
_BLOCK = 500


@dataclass(frozen=True)
class Syllable:
    """A vowel.

    Attributes:
        time: of its middle, seconds.
        prominence: how far it stands out from its surroundings: 0 usual, 1 clearly, below 0 reduced.
        pitch: how high it lies, semitones above its surroundings.
    """

    time: float
    prominence: float
    pitch: float


def estimate_f0(samples: np.ndarray, spans: Sequence[Span], progress: Stage) -> np.ndarray:
    """The fundamental frequency every `HOP`, in semitones above 65 Hz, NaN where there is no voice: float32 (frames,).

    The normalised autocorrelation of 40 ms at a quarter of the rate, its highest peak between 65 and 420 Hz.
    """
    hop = int(HOP * RATE / _STEP)
    frames = len(samples) // (hop * _STEP) + 1
    result = np.full(frames, np.nan, np.float32)
    first, last = int(RATE / _STEP / _HIGHEST), int(RATE / _STEP / _LOWEST)
    reach = _WINDOW + last
    size = 1 << (reach + _WINDOW).bit_length()
    for done, span in enumerate(spans):
        low, high = int(span.start / HOP), min(int(span.end / HOP) + 1, frames)
        for begin in range(low, high, _BLOCK):
            progress.report(done / len(spans))
            stop = min(begin + _BLOCK, high)
            sound = samples[begin * hop * _STEP : (stop * hop + reach) * _STEP].astype(np.float32)
            sound = np.pad(sound, (0, (stop - begin) * hop * _STEP + reach * _STEP - len(sound) + _STEP))
            sound = sound[: len(sound) // _STEP * _STEP].reshape(-1, _STEP).mean(axis=1)
            long = np.lib.stride_tricks.sliding_window_view(sound, reach)[::hop][: stop - begin]
            long = long - long.mean(axis=1, keepdims=True)
            spectrum = np.fft.rfft(long, size)
            kernel = np.fft.rfft(long[:, :_WINDOW], size)
            correlation = np.fft.irfft(spectrum * kernel.conj(), size)[:, : last + 1]
            energy = np.cumsum(np.pad(long**2, ((0, 0), (1, 0))), axis=1)
            energy = energy[:, _WINDOW : _WINDOW + last + 1] - energy[:, : last + 1]
            correlation /= np.sqrt(energy * energy[:, :1]) + 1e-9
            # A shade less for longer lags, so that the octave below does not win by chance.
            likely = correlation[:, first:] - 0.0006 * np.arange(last + 1 - first)
            lag = likely.argmax(axis=1) + first
            row = np.arange(len(lag))
            strength = correlation[row, lag]
            left, right = correlation[row, np.maximum(lag - 1, 0)], correlation[row, np.minimum(lag + 1, last)]
            # The peak of the parabola through three lags: one alone is half a semitone wide.
            curve = np.maximum(2.0 * strength - left - right, 1e-6)
            period = lag + np.clip(0.5 * (right - left) / curve, -0.5, 0.5)
            f0 = 12.0 * np.log2(RATE / _STEP / period / _LOWEST)
            result[begin:stop] = np.where(strength > _VOICED, f0, np.nan)
    voiced = np.isfinite(result)
    if voiced.any():
        filled = np.interp(np.arange(frames), np.flatnonzero(voiced), result[voiced])
        result = np.where(voiced, median_filter(filled, 5), np.nan).astype(np.float32)
    return result


def syllables(phones: Sequence[SpokenPhone], level: np.ndarray, f0: np.ndarray) -> list[Syllable]:
    """Vowels in order with their prominence: long, loud and high ones stand out.

    Args:
        phones: in order.
        level: `activity.loudness`.
        f0: `estimate_f0`.
    """
    vowels = [phone for phone in phones if phone.name in VOWELS]
    if not vowels:
        return []
    last = len(level) - 1
    spans = [slice(min(int(v.start / HOP), last), min(int(v.end / HOP), last) + 1) for v in vowels]
    loud = np.array([float(level[span].max()) for span in spans])
    high = np.array([_highest(f0[span]) for span in spans])
    high[np.isnan(high)] = np.nanmedian(high) if np.isfinite(high).any() else 0.0
    long = np.log(np.array([max(v.end - v.start, 0.02) for v in vowels]))
    pitch = _relative(high, 2.0)
    prominence = 0.4 * _relative(loud, 3.0) + 0.45 * pitch + 0.35 * _relative(long, 0.4)
    prominence -= np.array([0.8 if v.weak else 0.0 for v in vowels])
    spoken = zip(vowels, prominence.tolist(), (2.0 * pitch).tolist(), strict=True)
    return [Syllable((v.start + v.end) / 2, p, m) for v, p, m in spoken]


def openings(phones: Sequence[SpokenPhone], syllables: Sequence[Syllable]) -> list[float]:
    """How wide each phone opens: stressed vowels more, reduced and hurried ones less.

    Args:
        phones: in order.
        syllables: of these phones.
    """
    prominence = iter(syllables)
    result = []
    for phone in phones:
        if phone.name in VOWELS:
            stress = 1.12 + 0.2 * float(np.clip(next(prominence).prominence, -1.5, 1.5))
            hurry = float(np.clip((phone.end - phone.start) / 0.09, 0.5, 1.3)) ** 0.35
            result.append(stress * hurry)
        else:
            result.append(1.0)
    return result


def _highest(f0: np.ndarray) -> float:
    voiced = f0[np.isfinite(f0)]
    return float(np.percentile(voiced, 90)) if len(voiced) else float("nan")


def _relative(values: np.ndarray, unit: float) -> np.ndarray:
    """How far each value lies above the median of its eight neighbours on either side, in units, within ±2."""
    padded = np.pad(values, 8, mode="reflect" if len(values) > 8 else "edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 17), axis=1)
    return np.clip((values - around) / unit, -2.0, 2.0)
