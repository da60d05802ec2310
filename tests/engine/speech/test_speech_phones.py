"""Transcripts, unknown words and foreign speech: what is used, and what the user is told."""

from __future__ import annotations

import numpy as np
import pytest
from speech_tools import DATA, REPOSITORY, lip_gap, real_speech, sample, speak

from dgtalker_engine import speech
from dgtalker_engine.speech.recognition import spelling

TEXT = (REPOSITORY / "tests" / "demo" / "sample.txt").read_text()


def animate(samples, rate, transcript):
    passage = speech.Passage(0.0, len(samples) / rate, transcript=transcript)
    return speak(samples, rate, fps=25, passages=[passage])


def test_right_transcript_needs_no_note():
    assert animate(*sample(), TEXT).notes == ()


def test_wrong_transcript_is_told_and_recognised_words_take_its_place():
    samples, rate = sample()
    result = animate(samples, rate, "The committee will never approve the budget on time, said the chairman yesterday.")
    assert "does not fit" in result.notes[0]
    alone = speak(samples, rate, fps=25).performance
    assert np.abs(result.performance.weights - alone.weights).mean() < 0.005


def test_half_a_transcript_moves_the_lips_to_the_end():
    result = animate(*sample(), "Hello! My favorite movie has a")
    assert "More is said" in result.notes[0]
    assert lip_gap(result.performance)[60:].max() > 0.15


def test_each_strip_keeps_its_own_transcript():
    samples, rate = sample()
    parts = (
        (0.0, 0.95, "Hello!"),
        (0.95, 3.45, "My favorite movie has a big purple fish."),
        (3.45, 4.6, "Would you watch?"),
    )
    passages = [speech.Passage(start, end, transcript=text) for start, end, text in parts]
    split = speak(samples, rate, fps=25, passages=passages)
    assert split.notes == ()
    whole = animate(samples, rate, TEXT)
    assert np.abs(split.performance.weights - whole.performance.weights).mean() < 0.01


def test_transcript_with_a_sentence_that_nobody_speaks():
    sounds = [real_speech(f"ljspeech/{name}.wav") for name in ("LJ001-0004", "LJ001-0005", "LJ001-0006")]
    rate = sounds[0][1]
    samples = np.concatenate([part for sound, _ in sounds for part in (sound, np.zeros(rate, "f4"))])
    texts = dict(line.split("|")[::2] for line in (DATA / "speech/ljspeech/metadata.csv").read_text().splitlines())
    spoken = [texts[f"LJ001-000{i}"] for i in (4, 5, 6)]
    wrong = [spoken[0], "Nobody ever said this sentence, least of all in here.", *spoken[1:]]
    result = animate(samples, rate, " ".join(wrong))
    right = animate(samples, rate, " ".join(spoken))
    assert right.notes == ()
    tail = slice(-100, None)
    assert np.abs(result.performance.weights[tail] - right.performance.weights[tail]).mean() < 0.01


def test_unknown_words_are_sounded_out_and_named():
    result = animate(*sample(), TEXT.replace("movie", "moovy").replace("purple", "purpel"))
    assert "moovy" in result.notes[0]
    assert "purpel" in result.notes[0]
    assert len(result.notes) == 1


def test_letters_that_nobody_can_sound_out_are_named():
    result = animate(*sample(), TEXT + " движение")
    assert "движение" in result.notes[0]


def test_transcript_longer_than_the_recogniser_can_take_is_spread_over_the_sound():
    texts = ("in being comparatively modern.", "has never been surpassed.")
    names = ("LJ001-0002", "LJ001-0008")
    sounds = [real_speech(f"ljspeech/{name}.wav") for name in names]
    rate = sounds[0][1]
    pause = np.zeros(rate, "f4")
    samples = np.concatenate([part for _ in range(3) for sound, _ in sounds for part in (sound, pause)])
    result = animate(samples, rate, " ".join(texts * 3))
    assert result.notes == ()


@pytest.mark.parametrize("name", ["german.wav", "mandarin.wav"])
def test_foreign_speech_moves_the_lips_and_is_told(name):
    samples, rate = real_speech(name)
    result = speak(samples, rate, fps=25)
    assert any("No English words" in note for note in result.notes)
    assert lip_gap(result.performance).max() > 0.3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dr. Smith's 3 dogs", "doctor smith's three dogs"),
        ("In 1984, 1,250 people", "in nineteen eighty four one thousand two hundred fifty people"),
        ("pi is 3.14 & more", "pi is three point one four and more"),
        ("[door slams] Café — naïve! (sighs)", "cafe naive"),
        ("Grüße, schön", "gruesse schoen"),
        ("don’t", "don't"),
        ("", ""),
    ],
)
def test_text_as_it_is_spoken(text, words):
    assert " ".join(spelling.words(text)) == words


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("blimp", "B L IH M P"),
        ("phob", "F AO B"),
        ("mave", "M EY V"),
        ("mako", "M AE K OW"),
        ("shoom", "SH UW M"),
        ("движение", ""),
    ],
)
def test_letters_to_sounds(word, phones):
    assert spelling.sounded_out(word) == phones.split()
