"""Timbre conversion: another voice, the same words at the same times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from dgtalker_engine.speech.hearing.timbre import Timbre, convert, draw
from dgtalker_engine.speech.sound import RATE

FORMANTS = (700.0, 1220.0, 2600.0)


def vowel(pitch: float, seconds: float = 1.0) -> np.ndarray:
    """A voice of three formants."""
    pulses = np.zeros(int(seconds * RATE))
    pulses[:: round(RATE / pitch)] = 1.0
    for formant in FORMANTS:
        radius, turn = np.exp(-np.pi * 90 / RATE), 2 * np.pi * formant / RATE
        pulses = lfilter([1.0], [1.0, -2 * radius * np.cos(turn), radius**2], pulses)
    return (0.3 * pulses / np.abs(pulses).max()).astype(np.float32)


def fundamental(samples: np.ndarray) -> float:
    """Hz, by the strongest echo."""
    part = samples[RATE // 4 : RATE // 4 + 4096]
    echo = np.fft.irfft(np.abs(np.fft.rfft(part * np.hanning(len(part)), 16384)) ** 2)
    lags = np.arange(RATE // 400, RATE // 70)
    return RATE / lags[np.argmax(echo[lags])]


def first_formant(samples: np.ndarray) -> float:
    """Hz: where the smooth spectrum below 1 kHz is highest."""
    spectrum = np.abs(np.fft.rfft(samples[RATE // 4 : RATE // 2] * np.hanning(RATE // 4)))
    smooth = np.convolve(spectrum, np.hanning(81), "same")
    hertz = np.arange(len(smooth)) * RATE / (RATE // 4)
    below = hertz < 1050
    return float(hertz[below][np.argmax(smooth[below])])


@pytest.mark.parametrize("factor", [0.8, 1.3])
def test_the_pitch_moves_as_far_as_asked(factor):
    changed = convert(vowel(125.0), Timbre(factor, 1.0))
    assert fundamental(changed) == pytest.approx(125.0 * factor, rel=0.04)


def test_formants_move_without_the_pitch():
    plain, changed = vowel(125.0), convert(vowel(125.0), Timbre(1.0, 1.2))
    assert fundamental(changed) == pytest.approx(125.0, rel=0.04)
    assert first_formant(changed) / first_formant(plain) == pytest.approx(1.2, abs=0.1)


def test_what_is_said_when_and_how_loud_it_is_stay():
    parts = [vowel(125.0, 0.3), np.zeros(RATE // 5, np.float32)] * 3
    samples = np.concatenate(parts)
    changed = convert(samples, Timbre(1.35, 1.15, 2.0))
    assert changed.shape == samples.shape

    def loudness(sound: np.ndarray) -> np.ndarray:
        return np.sqrt((sound[: len(sound) // 800 * 800].reshape(-1, 800) ** 2).mean(axis=1))

    assert np.corrcoef(loudness(samples), loudness(changed))[0, 1] > 0.93
    assert np.sqrt((changed**2).mean()) == pytest.approx(np.sqrt((samples**2).mean()), rel=0.01)


def test_drawn_timbres_are_clearly_others():
    random = np.random.default_rng(3)
    drawn = [draw(random) for _ in range(50)]
    assert all(abs(np.log(timbre.pitch)) > 0.1 for timbre in drawn)
    assert all((timbre.pitch > 1) == (timbre.formants > 1) for timbre in drawn)


def test_a_moment_of_sound_is_left_alone():
    assert np.array_equal(convert(np.ones(40, np.float32), Timbre(1.2, 1.1)), np.ones(40, np.float32))
