"""Sounds that the tests of speech make themselves: music without voices, and speech turned into a whisper or a song.

All mono float32 at `RATE`, and the same at every call.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, fftconvolve, istft, sosfilt, stft

RATE = 16000
_CHORDS = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
_TUNE = (76, 74, 72, 74, 76, 76, 76, 74, 74, 74, 76, 79, 79, 76, 74, 72)


def piano(seconds: float, speed: float = 1.0) -> np.ndarray:
    """Chords that are struck and fade, and a tune above them."""
    beat = 0.5 / speed
    return _played(seconds, beat, lambda pitch, length: _struck(pitch, length, 0.6), chords_every=4)


def organ(seconds: float) -> np.ndarray:
    """Chords that are held, and a tune above them."""
    return _played(seconds, 0.6, _held, chords_every=4)


def guitar(seconds: float) -> np.ndarray:
    """Plucked strings, one after the other."""
    return _played(seconds, 0.25, _plucked, chords_every=8)


def violin(seconds: float) -> np.ndarray:
    """One bowed string with vibrato: of all instruments the most like a voice."""
    return _played(seconds, 0.7, _bowed, chords_every=0)


def drums(seconds: float) -> np.ndarray:
    """A kick, a snare and cymbals."""
    random = np.random.default_rng(3)
    result = np.zeros(int(seconds * RATE) + RATE)
    t = np.arange(int(0.3 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t * 30)))) * np.exp(-t * 14)
    for step in range(int(seconds / 0.125)):
        noise = random.normal(0.0, 1.0, len(t))
        hit = 0.25 * np.asarray(sosfilt(butter(2, 6000, "high", fs=RATE, output="sos"), noise)) * np.exp(-t * 60)
        if step % 8 in (0, 5):
            hit = hit + kick
        if step % 8 == 4:
            hit = hit + 0.5 * (noise + np.sin(2 * np.pi * 190 * t)) * np.exp(-t * 20)
        start = int(step * 0.125 * RATE)
        result[start : start + len(t)] += hit
    return _levelled(result[: int(seconds * RATE)])


def band(seconds: float) -> np.ndarray:
    """Drums, a bass, chords and a tune in a room."""
    bass = _played(seconds, 0.25, lambda pitch, length: _plucked(pitch - 36, length), chords_every=0)
    mixed = 0.8 * drums(seconds) + 0.6 * bass + 0.5 * organ(seconds) + 0.6 * piano(seconds, 2.0)
    t = np.arange(int(0.4 * RATE)) / RATE
    room = np.random.default_rng(5).normal(0.0, 1.0, len(t)) * np.exp(-t * 12) * 0.05
    room[0] = 1.0
    return _levelled(fftconvolve(mixed, room)[: len(mixed)])


MUSIC: dict[str, Callable[[float], np.ndarray]] = {
    "piano": piano, "organ": organ, "guitar": guitar, "violin": violin, "drums": drums, "band": band,
}  # fmt: skip


def whispered(speech: np.ndarray) -> np.ndarray:
    """Speech without a voice: its spectrum's envelope on noise."""
    random = np.random.default_rng(7)
    return _revoiced(speech, 1.0, lambda length: random.normal(0.0, 1.0, length))


def sung(speech: np.ndarray, slower: float = 1.8) -> np.ndarray:
    """Speech on held notes with vibrato, its syllables drawn out."""

    def voice(length: int) -> np.ndarray:
        t = np.arange(length) / RATE
        notes = np.array([_TUNE[int(i) % len(_TUNE)] - 17 for i in np.arange(0, length / RATE + 1, 0.6)])
        pitch = gaussian_filter1d(np.repeat(notes, int(0.6 * RATE))[:length].astype(float), 0.03 * RATE)
        pitch += 0.3 * np.sin(2 * np.pi * 5.5 * t)
        turns = np.cumsum(440.0 * 2.0 ** ((pitch - 69) / 12)) / RATE
        pulses = np.zeros(length)
        pulses[np.flatnonzero(np.diff(np.floor(turns)) > 0)] = 1.0
        return pulses * 8.0 + np.random.default_rng(8).normal(0.0, 0.1, length)

    return _revoiced(speech, slower, voice)


def over(speech: np.ndarray, other: np.ndarray, decibels: float) -> np.ndarray:
    """Speech with another sound behind it, softer by some decibels."""
    backing = np.resize(other, len(speech))
    scale = np.sqrt(np.mean(speech**2) / np.mean(backing**2)) * 10 ** (-decibels / 20)
    return (speech + scale * backing).astype(np.float32)


def _revoiced(speech: np.ndarray, slower: float, source: Callable[[int], np.ndarray]) -> np.ndarray:
    """The spectrum's envelope of a sound, drawn out, on another source: a vocoder of cepstra."""
    step, size = 80, 512
    _, _, spectrum = stft(speech, RATE, nperseg=size, noverlap=size - step)
    cepstrum = np.fft.irfft(np.log(np.abs(spectrum) + 1e-5), axis=0)
    cepstrum[30 : size - 30] = 0.0
    envelope = np.exp(np.fft.rfft(cepstrum, axis=0).real)
    places = np.arange(int(envelope.shape[1] * slower)) / slower
    low = np.minimum(places.astype(int), envelope.shape[1] - 1)
    length = len(low) * step
    _, _, carrier = stft(source(length), RATE, nperseg=size, noverlap=size - step)
    count = min(carrier.shape[1], len(low))
    _, result = istft(carrier[:, :count] * envelope[:, low[:count]], RATE, nperseg=size, noverlap=size - step)
    return _levelled(result)


def _played(seconds: float, beat: float, note: Callable[[float, float], np.ndarray], chords_every: int) -> np.ndarray:
    result = np.zeros(int((seconds + 3) * RATE))
    for i in range(int(seconds / beat)):
        pitches = [float(_TUNE[i % len(_TUNE)])]
        length = beat
        for pitch in pitches:
            _put(result, note(pitch, length), i * beat)
        if chords_every and i % chords_every == 0:
            for pitch in _CHORDS[i // chords_every % len(_CHORDS)]:
                _put(result, 0.7 * note(float(pitch), beat * chords_every), i * beat)
    return _levelled(result[: int(seconds * RATE)])


def _put(result: np.ndarray, sound: np.ndarray, start: float) -> None:
    first = int(start * RATE)
    length = min(len(sound), len(result) - first)
    result[first : first + length] += sound[:length]


def _hertz(pitch: float) -> float:
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


def _struck(pitch: float, length: float, fade: float) -> np.ndarray:
    t = np.arange(int((length + fade) * RATE)) / RATE
    base = _hertz(pitch)
    parts = [
        np.sin(2 * np.pi * base * k * np.sqrt(1 + 3e-4 * k * k) * t) * np.exp(-t * (2 + k)) / k for k in _parts(base)
    ]
    return sum(parts) * np.minimum(t / 0.004, 1.0)


def _held(pitch: float, length: float) -> np.ndarray:
    t = np.arange(int(length * RATE)) / RATE
    shape = np.minimum(np.minimum(t / 0.03, (length - t) / 0.03), 1.0)
    return sum(np.sin(2 * np.pi * _hertz(pitch) * k * t) / k**0.7 for k in (1, 2, 3, 4, 6, 8)) * shape * 0.5


def _plucked(pitch: float, length: float) -> np.ndarray:
    """Karplus and Strong's string, as the comb filter with losses that it is."""
    period = max(round(RATE / _hertz(pitch)), 2)
    string = np.random.default_rng(int(pitch)).uniform(-1.0, 1.0, period)
    rounds = []
    for _ in range(int((length + 0.4) * RATE) // period + 1):
        rounds.append(string)
        string = 0.498 * (string + np.roll(string, 1))
    return np.concatenate(rounds)


def _bowed(pitch: float, length: float) -> np.ndarray:
    t = np.arange(int(length * RATE)) / RATE
    turns = np.cumsum(_hertz(pitch) * (1 + 0.006 * np.sin(2 * np.pi * 5.8 * t))) / RATE
    shape = np.minimum(np.minimum(t / 0.08, (length - t) / 0.05), 1.0)
    return sum(np.sin(2 * np.pi * k * turns) / k for k in _parts(_hertz(pitch))) * shape


def _parts(base: float) -> range:
    return range(1, min(int(0.45 * RATE / base), 20) + 1)


def _levelled(sound: np.ndarray) -> np.ndarray:
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)
