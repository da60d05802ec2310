"""The same words in another voice: the positives of the contrast that makes the audio encoder universal (eq. 2).

The paper converts timbres with a trained network; here the pitch is moved and the spectral envelope, where the formants
are, is stretched. When something is said does not change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import istft, stft

from ....speech.sound import RATE

_WINDOW, _HOP = 512, 128
_BINS = _WINDOW // 2 + 1
# Of the cepstrum, what describes the envelope: voices below 400 Hz have their harmonics beyond.
_ENVELOPE = RATE // 400
_FLOOR = 1e-7


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
    _, _, spectrum = stft(samples.astype(np.float64), RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    size = np.abs(spectrum)
    envelope = _envelope(size)
    bins = np.arange(_BINS)
    moved = _along(envelope, bins / timbre.formants)
    octaves = np.log2(np.maximum(bins * RATE / _WINDOW, 500.0) / 500.0)
    moved = moved * 10.0 ** (timbre.tilt * octaves / 20.0)[:, None]
    excitation, advance = _moved_excitation(size / envelope, np.angle(spectrum), timbre.pitch)
    phase = np.cumsum(advance, axis=1)
    _, result = istft(
        excitation * moved * np.exp(1j * phase), RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP
    )
    result = np.resize(np.pad(result, (0, max(len(samples) - len(result), 0))), len(samples))
    loudness = np.sqrt((samples.astype(np.float64) ** 2).mean() / ((result**2).mean() + 1e-12))
    return (result * loudness).astype(np.float32)


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


def _moved_excitation(size: np.ndarray, phase: np.ndarray, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """What the throat is given, at another pitch: its size and how far its phase advances (bins, frames) each.

    A phase vocoder: each bin's true frequency, by how its phase advances from frame to frame, goes to the bin where
    `pitch` times it lies.
    """
    usual = 2 * np.pi * _HOP * np.arange(_BINS) / _WINDOW
    difference = np.diff(phase, axis=1, prepend=phase[:, :1]) - usual[:, None]
    advance = usual[:, None] + (difference + np.pi) % (2 * np.pi) - np.pi
    source = np.round(np.arange(_BINS) / pitch).astype(int)
    inside = source < _BINS
    source = np.minimum(source, _BINS - 1)
    # Where a low voice has nothing left to give, it breathes.
    return np.where(inside[:, None], size[source], 1.0), advance[source] * pitch
