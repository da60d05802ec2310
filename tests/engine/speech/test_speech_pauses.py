"""The mouth rests where nobody speaks, opens just before it is heard, and a recording's ends are nothing special."""

from __future__ import annotations

import numpy as np
import pytest
from speech_tools import lip_gap, sample, speak

from dgtalker_engine.speech import sound
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.analysis.pauses import pauses, talking
from dgtalker_engine.speech.lipsync.features import SoundFeatures
from dgtalker_engine.speech.lipsync.weights import shipped
from dgtalker_engine.speech.progress import NO_PROGRESS

FPS = 100
FIRST = 0.2
"""Seconds of the sample's first sound."""


def levels(*parts: tuple[float, float]) -> np.ndarray:
    """A loudness of (seconds, dB) after one another, every 10 ms."""
    return np.concatenate([np.full(round(100 * seconds), level, np.float32) for seconds, level in parts])


@pytest.mark.parametrize("gain", [-30.0, 0.0, 20.0])
def test_pauses_are_where_it_is_quiet_for_its_surroundings(gain):
    level = levels((1.0, -75), (1.0, -28), (0.6, -74), (1.0, -30), (0.5, -75)) + np.float32(gain)
    found = pauses([Span(1.0, 2.0), Span(2.6, 3.6)], [Span(0.88, 3.72)], level)
    assert [(round(span.start, 2), round(span.end, 2)) for span in found[1:-1]] == [(2.0, 2.6)]
    assert found[0].start < 0.0 < found[0].end == pytest.approx(1.0, abs=0.02)
    assert found[-1].end > 4.1 > found[-1].start == pytest.approx(3.6, abs=0.02)


def test_a_breath_is_a_pause_and_a_sound_without_a_phone_is_not():
    phones = [Span(1.0, 2.0), Span(2.8, 3.8)]
    for between, paused in ((-55, True), (-32, False)):
        level = levels((1.0, -80), (1.0, -28), (0.8, between), (1.0, -28), (1.0, -80))
        found = pauses(phones, [Span(0.88, 3.92)], level)
        assert any(span.start >= 2.0 and span.end <= 2.81 for span in found) is paused


def test_a_phone_that_was_drawn_out_over_silence_is_silent_there():
    level = levels((0.5, -28), (1.0, -80), (0.5, -28))
    assert talking(pauses([Span(0.0, 2.0)], [Span(0.0, 2.0)], level), np.array([0.3, 1.0, 1.8])) == pytest.approx(
        [1, 0, 1]
    )


def test_the_mouth_rides_out_short_pauses_and_rests_in_long_ones():
    times = np.arange(0, 8, 0.01)
    mouth = talking([Span(1.0, 1.2), Span(3.0, 3.6), Span(5.0, 6.5)], times)
    assert mouth[times < 2.9].min() == 1.0
    assert mouth[300:360].min() < 0.02
    assert mouth[525:635].max() < 0.02
    assert mouth[(times > 3.8) & (times < 4.9)].min() == 1.0
    assert np.abs(np.diff(mouth)).max() < 0.1


def test_a_mouth_that_is_asked_in_pieces_is_the_whole():
    spans = [Span(-10.0, 0.4), Span(1.0, 1.3), Span(1.6, 2.2), Span(2.3, 2.9), Span(4.0, 15.0)]
    times = np.arange(0, 5, 0.01)
    pieces = [talking(spans, times[start : start + 7]) for start in range(0, 501, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), talking(spans, times))
    assert len(talking(spans, times[:0])) == 0


@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_lips_are_shut_in_half_a_second_of_silence_and_part_just_before_they_are_heard(gain):
    samples, rate = sample()
    noise = np.random.default_rng(0).normal(0.0, 3e-4, round(1.0 * rate)).astype(np.float32)
    twice = np.concatenate([noise, samples, noise[: rate // 2], samples, noise]) * np.float32(gain)
    performance = speak(twice, rate, fps=FPS).performance
    gap = lip_gap(performance)
    jaw = performance.curve("jawOpen")
    again = 1.0 + len(samples) / rate + 0.5
    assert gap[0] == 0.0
    assert jaw[: round(FPS * (1.0 + FIRST - 0.2))].max() < 0.02
    assert jaw[round(FPS * (again - 0.2)) : round(FPS * (again + FIRST - 0.2))].max() < 0.05
    assert jaw[-FPS // 2 :].max() < 0.02
    for first in (1.0 + FIRST, again + FIRST):
        parted = np.flatnonzero(gap[round(FPS * (first - 0.3)) :] > 0.03)[0] / FPS - 0.3
        assert -0.16 < parted < 0.06


def test_a_jaw_that_is_open_where_a_recording_is_cut_does_not_fall_shut_there():
    encoders = shipped()
    features = SoundFeatures(encoders.sound, encoders.scale)
    whole = sound.to_speech_rate(*sample(), NO_PROGRESS)
    jaw = features.extract(whole)[:, 0]
    falls = []
    for first in range(60, 260, 10):
        cut = features.extract(whole[160 * first : 160 * (first + 160)])[-4:, 0]
        told = jaw[first + 157 : first + 161]
        if told.mean() > 0.15:
            falls.append(float((told - cut).mean()))
    assert len(falls) > 5
    assert np.mean(falls) < 0.03
