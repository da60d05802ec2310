"""Live lips: what comes of a voice in small blocks, without its future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
from scipy.signal import firwin

from dgtalker_engine.speech import sound
from dgtalker_engine.speech.lipsync import weights
from dgtalker_engine.speech.lipsync.features import SoundFeatures
from dgtalker_engine.speech.live import decimation, moment, reference
from dgtalker_engine.speech.live.mouth import NAMES, LiveMouth
from dgtalker_engine.speech.progress import NO_PROGRESS

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "sample.wav"


@pytest.fixture(scope="module")
def voice():
    """Two seconds of the bundled recording at the microphone's rate."""
    samples, rate = sound.read_audio(SAMPLE)
    return soxr.resample(samples[: 2 * rate], rate, decimation.CAPTURE_RATE).astype(np.float32)


@pytest.fixture(scope="module")
def slowly(voice):
    return reference.weights_of(weights.shipped(), voice)


def heard(voice, sizes):
    """The rows of a voice that comes in blocks of some sizes, again and again."""
    mouth, rows, start, count = LiveMouth(weights.shipped()), [], 0, 0
    while start < len(voice):
        size = sizes[count % len(sizes)]
        rows.append(mouth.push(voice[start : start + size]))
        start, count = start + size, count + 1
    return np.concatenate(rows)


@pytest.mark.parametrize("sizes", [(480,), (1, 7, 333, 2000), (4096,), (1 << 20,)])
def test_weights_are_the_same_whatever_blocks_the_sound_comes_in(voice, slowly, sizes):
    rows = heard(voice, sizes)
    late = len(voice) / decimation.CAPTURE_RATE - len(rows) * moment.STEP * 0.01
    assert 0.0 < late < 0.13  # of which 20 ms are the step from row to row
    assert slowly.max() > 0.2
    assert np.allclose(rows, slowly[: len(rows)], atol=1e-4)


def test_it_agrees_beyond_what_is_remembered_too(voice, monkeypatch):
    monkeypatch.setattr(moment, "HISTORY", 70)
    slowly = reference.weights_of(weights.shipped(), voice)
    rows = heard(voice, (3000,))
    assert np.allclose(rows, slowly[: len(rows)], atol=1e-4)


def test_the_low_pass_is_scipys():
    wanted = firwin(2 * decimation.HALF + 1, decimation.CUTOFF, fs=decimation.CAPTURE_RATE)
    assert np.allclose(decimation.TAPS, wanted, rtol=1e-6, atol=1e-9)


def test_nothing_that_comes_later_changes_what_was_given(voice):
    half = len(voice) // 2
    other = np.concatenate([voice[:half], voice[half:][::-1]])
    first = heard(voice[:half], (480,))
    assert np.array_equal(heard(other, (480,))[: len(first)], first)


def test_lips_rest_in_a_silent_room_and_at_digital_silence():
    room = (np.random.default_rng(1).normal(size=decimation.CAPTURE_RATE) * 10**-3).astype(np.float32)
    assert heard(room, (480,)).max() == 0.0
    assert heard(np.zeros_like(room), (480,)).max() == 0.0


def test_a_quiet_microphone_moves_the_lips_as_a_loud_one_does(voice):
    loud, quiet = heard(voice, (4800,)), heard(voice * np.float32(0.1), (4800,))
    jaw = NAMES.index("jawOpen")
    assert np.corrcoef(loud[:, jaw], quiet[:, jaw])[0, 1] > 0.95


def test_it_hears_what_the_encoder_hears_offline(voice):
    encoders = weights.shipped()
    offline = SoundFeatures(encoders.sound, encoders.scale).extract(
        sound.to_speech_rate(voice, decimation.CAPTURE_RATE, NO_PROGRESS)
    )[:: moment.STEP, 0]
    live = heard(voice, (4800,))[:, NAMES.index("jawOpen")]
    speaking = live > 0
    assert np.corrcoef(live[speaking], offline[: len(live)][speaking])[0, 1] > 0.6
