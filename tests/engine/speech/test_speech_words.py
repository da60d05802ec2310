"""Recognised words with their times, words that are certain, and what need not be listened to again."""

from __future__ import annotations

import numpy as np
import pytest
from speech_tools import sample

from dgtalker_engine import speech
from dgtalker_engine.speech import front_end
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.recognition import phones, transcript_alignment


@pytest.fixture(scope="module")
def analysed():
    """`analysed(transcript, certain)`: what is recognised in the sample, and how much of it was listened to anew."""
    samples, rate = sample()
    heard: dict = {}

    def analyse(transcript: str = "", certain: bool = False):
        passage = speech.Passage(0.0, len(samples) / rate, transcript=transcript, certain=certain)
        before = len(heard)
        analysis = front_end.analyse(samples, rate, [passage], processes=1, heard=heard)
        return analysis.recognition, len(heard) - before

    return analyse


def spelled(recognition) -> str:
    return " ".join(word.name for word in recognition.words)


def test_words_are_found_in_order_with_phones_within_them(analysed):
    recognition, _ = analysed()
    assert spelled(recognition).startswith("hello my favorite movie has a big purple")
    ends = [time for word in recognition.words for time in (word.start, word.end)]
    assert ends == sorted(ends)
    for word in recognition.words:
        inside = [p for p in recognition.phones if word.start <= (p.start + p.end) / 2 < word.end and p.name != "SIL"]
        assert inside, word


RIGHT = "hello my favorite movie has a big purple fish would you watch"


def test_a_word_that_is_certain_is_said_although_another_fits_better(analysed):
    wrong = RIGHT.replace("purple", "banana")
    assert "banana" not in spelled(analysed(wrong)[0])
    assert spelled(analysed(wrong, certain=True)[0]) == wrong


def test_a_corrected_word_changes_the_phones_of_its_place_alone(analysed):
    recognised, corrected = analysed()[0], analysed(RIGHT, certain=True)[0]
    (fish,) = (word for word in corrected.words if word.name == "fish")
    names = [[phone.name for phone in each.phones if phone.end < fish.start - 0.1] for each in (recognised, corrected)]
    assert set(names[0]) == set(names[1])
    assert "SH" in {phone.name for phone in corrected.phones if fish.start < (phone.start + phone.end) / 2 < fish.end}


def test_words_that_are_certain_are_all_there_where_the_sound_is_cut_off(analysed):
    samples, rate = sample()
    passage = speech.Passage(0.0, 2.0, transcript="hello my favorite movie", certain=True)
    analysis = front_end.analyse(samples[: 2 * rate], rate, [passage], processes=1)
    assert spelled(analysis.recognition) == "hello my favorite movie"
    assert max(word.end for word in analysis.recognition.words) <= 2.0


def test_where_certainly_nothing_is_said_nothing_is_recognised():
    samples, rate = sample()
    passages = [speech.Passage(0.0, 2.0, certain=True), speech.Passage(2.0, 4.0)]
    spoken = front_end.analyse(samples[: 4 * rate], rate, passages, processes=1).recognition.words
    assert spoken
    assert min(word.start for word in spoken) >= 1.9


def test_what_was_heard_is_not_listened_to_again_and_is_the_same(analysed, monkeypatch):
    first, _ = analysed()
    monkeypatch.setattr(phones, "run_task", lambda *_: pytest.fail("it was listened to again"))
    again, new = analysed()
    assert new == 0
    assert again == first


def test_only_the_line_whose_word_was_corrected_is_listened_to_again():
    samples, rate = sample()
    lines = np.concatenate([samples[: 2 * rate], np.zeros(rate, samples.dtype), samples[: 2 * rate]])
    heard: dict = {}

    def analyse(second: str) -> int:
        passages = [
            speech.Passage(0.0, 2.0, transcript="hello my favorite movie", certain=True),
            speech.Passage(3.0, 5.0, transcript=second, certain=True),
        ]
        before = len(heard)
        front_end.analyse(lines, rate, passages, processes=1, heard=heard)
        return len(heard) - before

    analyse("hello my favorite movie")
    assert analyse("hello my flavor movie") == 1


def test_words_stand_on_the_side_of_a_pause_that_the_transcript_says():
    chunks = [Span(0.0, 1.0), Span(3.0, 4.0)]
    times = [("who", 0.1, 0.5), ("took", 0.5, 0.9), ("it", 1.05, 1.2), ("not", 1.3, 1.6)]
    words = [word for word, _, _ in times]

    def chunks_of(*pauses: int) -> list[int]:
        group = transcript_alignment._Group([0, 1], words, frozenset(pauses))
        return transcript_alignment._chunks_of_words(group, chunks, times)

    assert chunks_of() == [0, 0, 1, 1]
    assert chunks_of(3) == [0, 0, 0, 1], "the silence is the recording's, the words beside it the transcript's"
    assert chunks_of(1) == [0, 1, 1, 1]
    chunks[1] = Span(1.1, 2.1)
    assert chunks_of(3) == [0, 0, 1, 1], "no pause is there"


def test_stage_directions_are_not_spoken(analysed):
    text = "(angrily) Hello! My [pause] favorite movie has (to Ben) a big purple fish, would you watch"
    assert spelled(analysed(text, certain=True)[0]) == RIGHT
