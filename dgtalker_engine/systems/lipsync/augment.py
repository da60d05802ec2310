"""The same speech by another throat, in another room, through another microphone."""

from __future__ import annotations

import numpy as np
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from ...speech.lipsync.spectrum import BANDS
from ...speech.recognition.result import SpokenPhone
from ...speech.sound import RATE
from .voices import Spoken


def varied(spoken: Spoken, random: np.random.Generator, others: list[Spoken]) -> Spoken:
    """Another speed, pitch and throat, then perhaps a room, noise or babble, and a codec.

    Args:
        others: what people talk about behind.
    """
    speed = float(np.exp(random.uniform(-0.16, 0.16)))
    # Played faster, everything is higher: rate, pitch and formants at once.
    samples = soxr.resample(spoken.samples, RATE * speed, RATE)
    phones = tuple(SpokenPhone(p.name, p.start / speed, p.end / speed) for p in spoken.phones)
    samples = samples / (np.abs(samples).max() + 1e-6)
    if random.random() < 0.6:
        samples = _in_room(samples, random)
    if random.random() < 0.7:
        samples = _in_noise(samples, random, others)
    if random.random() < 0.4:
        samples = _through_codec(samples, random)
    return Spoken(spoken.name, samples.astype(np.float32), phones)


def _in_room(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Echoes that fade by 60 dB in 0.1 to 0.8 s, and are 0 to 15 dB softer than the voice."""
    fade = float(random.uniform(0.1, 0.8))
    time = np.arange(int(fade * RATE)) / RATE
    echoes = random.normal(0.0, 1.0, len(time)) * 10.0 ** (-3.0 * time / fade)
    echoes[: int(random.uniform(0.001, 0.01) * RATE)] = 0.0
    echoes *= 10.0 ** (-random.uniform(0.0, 15.0) / 20.0) / np.sqrt((echoes**2).sum() + 1e-9)
    echoes[0] = 1.0
    return fftconvolve(samples, echoes)[: len(samples)]


def _in_noise(samples: np.ndarray, random: np.random.Generator, others: list[Spoken]) -> np.ndarray:
    """White, coloured, or made of voices; 3 to 35 dB softer."""
    if others and random.random() < 0.3:
        noise = np.zeros(len(samples))
        for _ in range(4):
            other = others[int(random.integers(len(others)))].samples
            noise += np.resize(np.roll(other, int(random.integers(len(other)))), len(samples))
        quietest = 10.0
    else:
        spectrum = np.fft.rfft(random.normal(0.0, 1.0, len(samples)))
        spectrum /= np.maximum(np.arange(len(spectrum)) / len(spectrum), 0.01) ** random.uniform(0.0, 1.2)
        noise = np.fft.irfft(spectrum, len(samples))
        quietest = 3.0
    gap = random.uniform(quietest, 35.0)
    size = np.sqrt((samples**2).mean() / ((noise**2).mean() + 1e-12))
    return samples + noise * size * 10.0 ** (-gap / 20.0)


def _through_codec(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Fewer high tones, as in telephones and video calls, and coarse steps (µ-law)."""
    edge = float(random.choice([3400.0, 4000.0, 5500.0, 7000.0]))
    samples = np.asarray(sosfilt(butter(6, edge, fs=RATE, output="sos"), samples))
    if random.random() < 0.5:
        samples = samples / (np.abs(samples).max() + 1e-6)
        code = np.sign(samples) * np.log1p(255.0 * np.abs(samples)) / np.log(256.0)
        code = np.round(code * 127.0) / 127.0
        samples = np.sign(code) * (256.0 ** np.abs(code) - 1.0) / 255.0
    return samples


def spec_augment(energies: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A spectrum (n, bands) as another throat and microphone make it, with some bands and moments missing.

    As in Park et al., "SpecAugment" (2019): masks in frequency and in time, where bands are stretched evenly instead of
    time. Bands are louder or softer besides, and everything is a little noisy.
    """
    bands = np.clip(np.arange(BANDS) * random.uniform(0.88, 1.14) + random.uniform(-2, 2), 0, BANDS - 1)
    lower = bands.astype(int)
    weight = (bands - lower).astype(np.float32)
    energies = energies[:, lower] * (1 - weight) + energies[:, np.minimum(lower + 1, BANDS - 1)] * weight
    colour = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 7), random.normal(0.0, 0.2, 7))
    energies = energies * random.uniform(0.85, 1.2) + colour.astype(np.float32)
    if random.random() < 0.5:
        first = int(random.integers(0, BANDS - 12))
        energies[:, first : first + int(random.integers(2, 13))] = float(energies.mean())
    if random.random() < 0.4:
        first = int(random.integers(0, max(len(energies) - 12, 1)))
        energies[first : first + int(random.integers(2, 11))] = float(energies.mean())
    return energies + random.normal(0.0, 0.05, energies.shape).astype(np.float32)
