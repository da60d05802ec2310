"""The front end: what models learn from is what they get at run time, in one and the same way."""

from __future__ import annotations

import numpy as np
import pytest
from made_sounds import piano
from speech_tools import RATE, TEXT, sample

from dgtalker_engine import speech
from dgtalker_engine.speech import front_end, sound
from dgtalker_engine.speech.progress import NO_PROGRESS
from dgtalker_engine.speech.recognition import phones


@pytest.mark.parametrize("text", ["", TEXT])
def test_an_analysis_is_what_a_take_is_made_of(text):
    samples, rate = sample()
    passages = [speech.Passage(0.0, len(samples) / rate, transcript=text)] if text else []
    analysis = front_end.analyse(samples, rate, passages)
    take = speech.animate(samples, rate, fps=25, passages=passages).take
    assert [(p.name, p.start, p.end) for p in analysis.phones] == [tuple(phone) for phone in take.phones]
    assert [(span.start, span.end) for span in analysis.utterances] == [tuple(row) for row in take.utterances]
    assert [s.prominence for s in analysis.syllables] == pytest.approx(take.syllables[:, 1])
    assert len(analysis.level) == len(analysis.f0) == len(analysis.samples) // 160 + 1


def test_phones_that_are_known_are_not_recognised_again(monkeypatch):
    samples, rate = sample()
    recognised = front_end.analyse(samples, rate)
    monkeypatch.setattr(phones, "recognise", lambda *_, **__: pytest.fail("somebody listened"))
    known = front_end.analyse(samples, rate, phones_known=recognised.phones)
    assert known.syllables == recognised.syllables
    assert np.array_equal(known.f0, recognised.f0, equal_nan=True)
    assert front_end.analyse(samples, rate, phones_known=[]).syllables == []


def test_times_in_speech_are_those_of_the_words_and_not_of_the_music_before_them():
    spoken = sound.to_speech_rate(*sample(), NO_PROGRESS)
    analysis = front_end.analyse(np.concatenate([0.5 * piano(6.0), spoken]), RATE)
    times = np.arange(0.0, 6.0 + len(spoken) / RATE, 0.04)
    inside = analysis.in_speech(times)
    assert not inside[times < 5.0].any()
    assert inside[(times > 7.3) & (times < 9.0)].all()
    assert analysis.recognition.music


@pytest.mark.parametrize(("decibels", "offset"), [(0, 0.3), (-30, 0.02), (-30, -0.3), (-45, 0.01)])
def test_an_offset_of_a_cheap_microphone_hides_no_voice(decibels, offset):
    """Of 0.02, it made a silent room of a voice at -30 dB."""
    clean = sound.to_speech_rate(*sample(), NO_PROGRESS)[: 5 * RATE]
    usual = front_end.analyse(clean, RATE, phones_known=[])
    shifted = (clean * 10 ** (decibels / 20) + offset).astype(np.float16)
    found = front_end.analyse(shifted, RATE, phones_known=[])
    assert len(found.utterances) == len(usual.utterances)
    for mine, theirs in zip(found.utterances, usual.utterances, strict=True):
        assert (mine.start, mine.end) == pytest.approx((theirs.start, theirs.end), abs=0.1)
    assert np.abs(found.samples).max() == pytest.approx(np.abs(usual.samples).max(), rel=0.05)
    constant = front_end.analyse(np.full(3 * RATE, offset, np.float32), RATE, phones_known=[])
    assert constant.utterances == []


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_samples_that_may_be_overwritten_give_the_same_and_are_not_copied(kind):
    samples = sound.to_speech_rate(*sample(), NO_PROGRESS).astype(kind)
    before = samples.copy()
    usual = front_end.analyse(samples, RATE, phones_known=[])
    assert np.array_equal(samples, before), "whoever does not say so has them as they were"
    frugal = front_end.analyse(samples, RATE, phones_known=[], overwrite=True)
    assert np.shares_memory(frugal.samples, samples)
    assert np.array_equal(frugal.samples, usual.samples)
    assert np.array_equal(frugal.level, usual.level)
