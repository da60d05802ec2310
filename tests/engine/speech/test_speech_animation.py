"""A recording to a face: the lips fit the words, the face lives, and the same sound always gives the same motion."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from speech_tools import RATE, SAMPLE_CLOSURES, around, lip_gap, real_speech, sample, speak, teeth_gap

from dgtalker_engine import speech
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.performance import Direction, perform
from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.progress import NO_PROGRESS
from dgtalker_engine.speech.recognition import phones

HEARD = ((0.27, 0.45), (3.72, 3.76), (2.98, 3.11), (4.13, 4.22))
"""Vowels of "hello", "would", "fish" and "watch" in the sample, seconds, from its synthesiser."""

EXPRESSION = ("browInnerUp", "browOuterUpLeft", "browDownLeft", "eyeWideLeft")


@pytest.fixture(scope="module")
def spoken():
    samples, rate = sample()
    return speak(samples, rate, fps=24)


def blink_starts(performance):
    shut = performance.curve("eyeBlinkLeft") > 0.6
    return np.flatnonzero(shut[1:] & ~shut[:-1]) / performance.fps


def test_all_controls_in_range_one_frame_for_each_started_period(spoken):
    samples, rate = sample()
    performance = spoken.performance
    assert performance.names == ARKIT_NAMES + HEAD_NAMES
    assert performance.frames == int(np.ceil(len(samples) / rate * 24))
    face, head = performance.weights[:, : len(ARKIT_NAMES)], performance.weights[:, len(ARKIT_NAMES) :]
    assert face.min() >= 0.0
    assert face.max() <= 1.0
    assert np.degrees(np.abs(head)).max() < 15.0
    assert spoken.notes == ()


@pytest.mark.parametrize("word", SAMPLE_CLOSURES)
def test_lips_close_at_m_b_p_of_the_sample(spoken, word):
    gap = lip_gap(spoken.performance)
    assert gap[around(spoken.performance, *SAMPLE_CLOSURES[word])].min() < 0.01
    assert gap.max() > 0.3


def test_lips_close_at_every_m_b_p_of_a_real_sentence():
    samples, rate = real_speech("ljspeech/LJ001-0002.wav")
    text = "in being comparatively modern."
    passage = speech.Passage(0.0, len(samples) / rate, transcript=text)
    performance = speak(samples, rate, fps=100, passages=[passage]).performance
    closed = lip_gap(performance) < 0.01
    # "being", "comparatively" (its m and p together), "modern", and wide open between them.
    for closure, vowel in ((0.10, 0.25), (0.48, 0.75), (1.22, 1.40)):
        around_it = slice(int(100 * closure) - 6, int(100 * closure) + 7)
        assert closed[around_it].any()
        assert lip_gap(performance)[int(100 * vowel) - 6 : int(100 * vowel) + 7].max() > 0.1


def test_rounded_vowels_protrude_and_open_vowels_open(spoken):
    performance = spoken.performance
    pucker, jaw = performance.curve("mouthPucker"), performance.curve("jawOpen")
    hello, would, fish, watch = (around(performance, *span) for span in HEARD)
    assert pucker[would].max() > 0.3
    assert pucker[fish].max() < 0.5 * pucker[would].max()
    assert jaw[watch].max() > 0.12
    assert jaw[hello].max() > 0.2
    assert jaw[would].mean() < 0.15


def test_lower_lip_meets_the_teeth_at_f(spoken):
    fish = around(spoken.performance, 2.875, 2.98)
    bitten = spoken.performance.curve("mouthRollLower")[fish] > 0.35
    assert bitten.any()
    assert teeth_gap(spoken.performance)[fish][bitten].max() < 0.05
    assert spoken.performance.curve("mouthUpperUpLeft")[fish][bitten].min() > 0.3


def test_same_sound_same_motion(spoken):
    samples, rate = sample()
    again = speak(samples, rate, fps=24).performance
    np.testing.assert_array_equal(again.weights, spoken.performance.weights)


def test_what_was_heard_before_changes_nothing(spoken):
    samples, rate = sample()
    whole = len(samples) / rate
    strange = [speech.Passage(0.0, whole, transcript="Hello blorptang, my movie would fish and watch")]
    first = speak(samples, rate, fps=24, passages=strange)
    speak(0.1 * samples[::-1], rate, fps=24)
    again = speak(samples, rate, fps=24, passages=strange)
    assert any("blorptang" in note for note in first.notes)
    assert again.notes == first.notes
    assert np.array_equal(again.performance.weights, first.performance.weights)
    with ThreadPoolExecutor(1) as newcomer:
        fresh = newcomer.submit(speak, samples, rate, fps=24).result()
    assert np.array_equal(fresh.performance.weights, spoken.performance.weights)


def test_what_is_said_before_a_pause_does_not_change_what_is_heard_after_it():
    heard = sound.to_speech_rate(*sample(), NO_PROGRESS)
    first = phones.decode_chunk(heard, [], [], NO_PROGRESS)
    phones.decode_chunk(0.3 * heard[: len(heard) // 2], [], [], NO_PROGRESS)
    again = phones.decode_chunk(heard, [], [], NO_PROGRESS)
    assert again == first
    assert first.phones


def test_rounding_of_samples_changes_no_blink_and_no_head_motion(spoken):
    samples, rate = sample()
    noisy = samples + np.random.default_rng(1).normal(0, 2e-6, len(samples)).astype("f4")
    performance = speak(noisy, rate, fps=24).performance
    np.testing.assert_array_equal(blink_starts(performance), blink_starts(spoken.performance))
    np.testing.assert_allclose(performance.weights[:, -3:], spoken.performance.weights[:, -3:], atol=0.01)


@pytest.mark.parametrize("fps", [23.976, 120])
def test_same_motion_at_every_frame_rate(spoken, fps):
    samples, rate = sample()
    other = speak(samples, rate, fps=fps).performance
    assert other.frames == int(np.ceil(len(samples) / rate * fps))
    fine = speak(samples, rate, fps=480).performance
    nearest = np.round(np.arange(other.frames) / fps * 480).astype(int)
    nearest = np.minimum(nearest, fine.frames - 1)
    assert np.abs(fine.weights[nearest] - other.weights).max() < 0.05


def test_ends_at_rest_and_not_in_a_blink(spoken):
    last = spoken.performance.weights[-1]
    assert np.abs(np.degrees(last[-3:])).max() < 0.05
    assert last[spoken.performance.names.index("eyeBlinkLeft")] < 0.05


def test_silence_is_a_closed_living_face():
    result = speak(np.zeros(RATE * 20, "f4"), RATE, fps=30)
    performance = result.performance
    mouth = [i for i, name in enumerate(performance.names) if name.startswith(("jaw", "mouth", "tongue"))]
    assert performance.weights[:, mouth].max() < 0.01
    assert 3 <= len(blink_starts(performance)) <= 10
    assert performance.curve("eyeBlinkLeft").max() > 0.95
    assert 0.1 < np.degrees(np.abs(performance.weights[:, -3:])).max() < 5.0
    assert "No speech" in result.notes[0]


def test_amounts_scale_inside_their_direction_only(spoken):
    samples, rate = sample()
    still = Direction(1.5, 3.0, lips=0, jaw=0, expression=0, head=0, blinks=0, gaze=0)
    performance = speak(samples, rate, fps=24, directions=[still]).performance
    inside = np.arange(performance.frames) / 24
    outside = (inside < 1.4) | (inside > 3.1)
    inside = (inside > 1.6) & (inside < 2.9)
    lips = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("jaw", "mouth", "tongue"))]
    head = [performance.names.index(name) for name in HEAD_NAMES]
    brows = [performance.names.index(name) for name in EXPRESSION]
    usual = spoken.performance.weights
    assert usual[inside][:, lips].max() > 0.3
    for columns in (lips, head, brows):
        assert np.abs(performance.weights[inside][:, columns]).max() < 1e-6
        np.testing.assert_allclose(performance.weights[outside][:, columns], usual[outside][:, columns], atol=1e-6)
    jumps = np.abs(np.diff(performance.weights[:, lips], axis=0)).max()
    assert jumps <= np.abs(np.diff(usual[:, lips], axis=0)).max() + 0.15


def test_blinks_can_be_turned_off_and_up():
    take = speech.animate(np.zeros(RATE * 60, "f4"), RATE, fps=60).take

    def count(blinks):
        return len(blink_starts(perform(take, [Direction(0, 60, blinks=blinks)])))

    assert count(0) == 0
    assert 10 <= count(1) <= 25
    assert count(2) > 1.5 * count(1)


def test_touching_directions_leave_no_gap_between_them():
    samples, rate = sample()
    halves = [Direction(0, 2.4, lips=0, jaw=0), Direction(2.4, 5, lips=0, jaw=0)]
    performance = speak(samples, rate, fps=60, directions=halves).performance
    assert lip_gap(performance)[10:].max() < 1e-6


def test_cancelled_at_once():
    samples, rate = sample()
    calls = []

    def progress(fraction, text):
        calls.append((time.thread_time(), fraction, text))
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        speech.animate(samples, rate, fps=24, progress=progress)
    gaps = np.diff([at for at, _, _ in calls])
    # Loading each model is one step of a quarter of a second; everything else comes in small ones.
    assert np.sort(gaps)[-5] < 0.1
    assert gaps.max() < 0.6


def test_progress_rises_to_one_and_says_what_is_done():
    samples, rate = sample()
    calls = []
    speech.animate(samples, rate, fps=24, progress=lambda fraction, text: calls.append((fraction, text)))
    fractions = [fraction for fraction, _ in calls]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(text for _, text in calls)


def test_twenty_minutes_with_a_little_speech():
    samples, rate = sample()
    sound = np.zeros(20 * 60 * rate, "f4")
    for minute in (1, 19):
        sound[minute * 60 * rate :][: len(samples)] = samples
    performance = speak(sound, rate, fps=25).performance
    assert performance.frames == 20 * 60 * 25
    gap = lip_gap(performance)
    assert gap[60 * 25 :][:125].max() > 0.3
    assert gap[19 * 60 * 25 :][:125].max() > 0.3
    assert gap[5 * 60 * 25 : 18 * 60 * 25].max() < 1e-6
    assert 150 <= len(blink_starts(performance)) <= 450


BAD = {
    "one sample": np.zeros(1, "f4"),
    "a twentieth of a second": np.random.default_rng(0).normal(0, 0.1, RATE // 20).astype("f4"),
    "noise": np.random.default_rng(0).normal(0, 0.1, RATE * 3).astype("f4"),
    "hum": (0.3 * np.sin(2 * np.pi * 50 * np.arange(RATE * 3) / RATE)).astype("f4"),
    "not a number": np.full(RATE, np.nan, "f4"),
    "infinite": np.full(RATE, np.inf, "f4"),
    "far too loud": (1e30 * np.random.default_rng(0).normal(0, 1, RATE)).astype("f4"),
}


@pytest.mark.parametrize("name", BAD)
def test_sound_without_speech_still_gives_a_face(name):
    result = speak(BAD[name], RATE, fps=25)
    assert result.performance.frames == int(np.ceil(len(BAD[name]) / RATE * 25))
    assert lip_gap(result.performance).max() < 0.05
    assert result.notes


def test_a_broken_value_is_told_and_does_no_harm(spoken):
    samples, rate = sample()
    samples[len(samples) // 2] = np.nan
    result = speak(samples, rate, fps=24)
    assert "no numbers" in result.notes[0]
    assert np.abs(result.performance.weights - spoken.performance.weights).mean() < 0.02


@pytest.mark.parametrize(
    ("samples", "rate", "fps"),
    [
        (np.zeros(0, "f4"), RATE, 25),
        (np.zeros((10, 2), "f4"), RATE, 25),
        (np.zeros(10, "f4"), 0, 25),
        (np.zeros(10, "f4"), np.nan, 25),
        (np.zeros(10, "f4"), RATE, 0),
        (np.zeros(10, "f4"), RATE, np.inf),
    ],
)
def test_impossible_input_is_one_clear_error(samples, rate, fps):
    with pytest.raises(DGTalkerError):
        speech.animate(samples, rate, fps=fps)


@pytest.mark.parametrize("values", [{"end": 0.0}, {"start": np.inf}, {"start": 3.0, "end": 2.0}])
def test_impossible_passages_are_refused(values):
    with pytest.raises(DGTalkerError):
        speech.Passage(**{"start": 0.0, "end": 1.0, **values})
