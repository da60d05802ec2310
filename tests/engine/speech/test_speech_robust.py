"""Whatever is in a recording: voices of every kind move the lips, everything else leaves them shut and is told."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from made_sounds import MUSIC, band, drums, organ, over, sung, whispered
from speech_tools import RATE, TEXT, lip_gap, real_speech, sample, speak

from dgtalker_engine import speech
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.analysis import activity
from dgtalker_engine.speech.progress import NO_PROGRESS

REAL = ("german.wav", "mandarin.wav", "english_male_angry.wav", "ljspeech/LJ001-0004.wav")


def hiss(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, int(seconds * RATE)).astype(np.float32)


VOICES = {
    "whispered": whispered,
    "sung": sung,
    "sung slowly": lambda samples: sung(samples, 3.0),
    "sung to a band": lambda samples: over(sung(samples), band(5.0), 9),
    "over an organ": lambda samples: over(samples, organ(5.0), 6),
    "over drums": lambda samples: over(samples, drums(5.0), 3),
    "in noise": lambda samples: over(samples, hiss(5.0), 5),
    "clipped": lambda samples: np.clip(8 * samples, -0.5, 0.5),
}


@pytest.fixture(scope="module")
def spoken():
    return speak(*sample(), fps=24).performance


def at_rate(samples: np.ndarray, rate: float) -> np.ndarray:
    return sound.to_speech_rate(samples, rate, NO_PROGRESS)


def about_music(notes) -> bool:
    return any("music" in note for note in notes)


@pytest.mark.parametrize("instrument", MUSIC)
def test_music_leaves_the_mouth_shut_and_is_told(instrument):
    result = speak(MUSIC[instrument](9.0), RATE, fps=25)
    assert lip_gap(result.performance).max() < 0.02
    assert any("music or noise" in note or "No speech" in note for note in result.notes)
    assert np.degrees(np.abs(result.performance.weights[:, -3:])).max() < 6.0


@pytest.mark.parametrize("voice", VOICES)
def test_voices_of_every_kind_move_the_lips(voice):
    result = speak(VOICES[voice](at_rate(*sample())), RATE, fps=50)
    gap = lip_gap(result.performance)
    assert gap.max() > 0.25
    assert (gap > 0.05).mean() > 0.3
    assert not about_music(result.notes)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("voice", ["as it is", "sung to a band", "in noise"])
def test_real_voices_are_not_taken_for_music(name, voice):
    samples = at_rate(*real_speech(name))
    told = speak(VOICES[voice](samples) if voice in VOICES else samples, RATE, fps=25)
    assert lip_gap(told.performance).max() > 0.2
    assert not about_music(told.notes)


def test_music_before_speech_is_told_with_its_times():
    spoken = at_rate(*sample())
    intro = 0.5 * MUSIC["piano"](6.0)
    result = speak(np.concatenate([intro, spoken]), RATE, fps=50)
    gap = lip_gap(result.performance)
    assert gap[: 50 * 5].max() < 0.02
    assert gap[50 * 6 :].max() > 0.3
    assert "music" in result.notes[0]
    assert "0:00.0–0:0" in result.notes[0]


def test_a_transcript_keeps_a_song_from_being_taken_for_music():
    song = over(sung(at_rate(*sample())), band(5.0), 9)
    passage = speech.Passage(0.0, len(song) / RATE, transcript=TEXT)
    result = speak(song, RATE, fps=50, passages=[passage])
    assert lip_gap(result.performance).max() > 0.25
    assert not about_music(result.notes)


@pytest.mark.parametrize("kind", [np.float16, np.int16])
def test_half_the_bytes_move_the_lips_the_same(spoken, kind):
    samples, rate = sample()
    small = (samples * (32767 if kind is np.int16 else 1)).astype(kind)
    assert np.abs(speak(small, rate, fps=24).performance.weights - spoken.weights).mean() < 0.03


@pytest.mark.parametrize("rate", [8000, 11025, 48000, 192000])
def test_any_rate_closes_the_lips_at_the_same_time(spoken, rate):
    samples, own = sample()
    other = speak(soxr.resample(samples, own, rate), rate, fps=24).performance
    assert other.frames == spoken.frames
    shut = lip_gap(spoken) < 0.05
    assert ((lip_gap(other) < 0.05) == shut).mean() > 0.75


def test_half_precision_that_is_no_number_is_silence():
    samples, rate = sample()
    samples = samples.astype(np.float16)
    samples[100] = np.nan
    samples[200] = np.inf
    result = speak(samples, rate, fps=24)
    assert "no numbers" in result.notes[0]
    assert np.isfinite(result.performance.weights).all()


@pytest.mark.parametrize("decibels", [-40, -20, 12])
def test_a_voice_says_the_same_at_every_level(spoken, decibels):
    samples, rate = sample()
    for kind in (np.float32, np.float16):
        quiet = speak((samples * 10 ** (decibels / 20)).astype(kind), rate, fps=24).performance
        for name in ("jawOpen", "mouthFunnel", "mouthPressLeft"):
            assert np.corrcoef(quiet.curve(name), spoken.curve(name))[0, 1] > 0.98


def test_the_noise_of_rounding_is_no_voice():
    noise = np.random.default_rng(0).integers(-1, 2, 5 * RATE).astype(np.int16)
    noise[2 * RATE : 3 * RATE] *= 2
    result = speak(noise, RATE, fps=25)
    assert any("No speech" in note for note in result.notes)
    assert lip_gap(result.performance).max() < 0.02


@pytest.mark.parametrize("decibels", [-55, -68, -78])
def test_a_silent_room_is_no_voice_however_far_it_is_turned_up(decibels):
    """Room tone, deep as it is, that swells and falls, with six soft steps on its floor."""
    hum = np.fft.rfft(np.random.default_rng(3).normal(size=6 * RATE))
    hum /= np.maximum(np.fft.rfftfreq(6 * RATE, 1 / RATE), 20.0)
    tone = np.fft.irfft(hum)
    time = np.arange(len(tone)) / RATE
    tone *= (1 + 0.7 * np.sin(2 * np.pi * 0.3 * time)) / np.sqrt((tone**2).mean())
    for step in np.arange(1.0, 4.6, 0.6):
        tone += 2 * tone * (time >= step) * (time < step + 0.12) * np.exp((step - time) / 0.03)
    result = speak(np.round(tone * 10 ** (decibels / 20) * 32767).astype(np.int16), RATE, fps=25)
    assert any("No speech" in note for note in result.notes)
    assert lip_gap(result.performance).max() < 0.02


@pytest.mark.parametrize("begins", [0.3, 0.9, 1.5])
def test_a_word_from_far_away_is_no_silent_room(begins):
    word = at_rate(*sample())[int(begins * RATE) : int((begins + 0.5) * RATE)]
    heard, level = activity.levelled(word * np.float32(0.02))
    assert heard.any()
    assert level.max() > activity.loudness(word).max() - 12


@pytest.mark.parametrize("begins", [0.0, 0.005, 0.013, 1.5])
def test_natural_german_is_not_taken_for_english_wherever_it_begins(begins):
    samples, rate = real_speech("german.wav")
    notes = speech.animate(samples[int(begins * rate) :], rate, fps=25, encoders=None).notes
    assert any("No English words" in note for note in notes)
