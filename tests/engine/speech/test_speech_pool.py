"""Several processes that listen: one that dies, and a user who cancels, leave an answer at once and nobody behind."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from speech_tools import RATE, TEXT, sample

from dgtalker_engine import speech
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.progress import NO_PROGRESS, Stage
from dgtalker_engine.speech.recognition import phones

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are listed by Linux only")


def children() -> set[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(number) for task in tasks for number in task.read_text().split()}


@pytest.fixture
def recording():
    """The sample some times, and stretches of it to listen to."""
    samples = np.tile(sound.to_speech_rate(*sample(), NO_PROGRESS), 6)
    length = len(samples) / RATE / 6
    return samples, [Span(i * length, (i + 1) * length) for i in range(6)]


def test_what_is_heard_does_not_depend_on_how_many_listen(recording):
    samples, chunks = recording
    alone = phones.recognise(samples, chunks, [], NO_PROGRESS, processes=1)
    assert phones.recognise(samples, chunks, [], NO_PROGRESS, processes=3) == alone
    assert alone.phones


def test_a_worker_that_is_killed_is_told_and_leaves_nobody(recording):
    samples, chunks = recording
    before = children()

    def kill(fraction: float, text: str) -> None:
        for number in children() - before:
            with contextlib.suppress(ProcessLookupError):  # it ended since it was listed
                os.kill(number, signal.SIGKILL)

    with pytest.raises(DGTalkerError, match="ended unexpectedly"):
        phones.recognise(samples, chunks, [], Stage(kill), processes=2)
    assert children() == before


@pytest.mark.parametrize("transcript", ["", TEXT * 6])
def test_cancelling_leaves_nobody_also_while_words_are_aligned(recording, transcript):
    samples, chunks = recording
    before = children()
    cancel = threading.Event()

    def progress(fraction: float, text: str) -> None:
        if cancel.is_set():
            raise Cancelled
        if fraction > 0.3:
            cancel.set()

    passages = [speech.Passage(0.0, len(samples) / RATE, transcript=transcript)] if transcript else []
    with pytest.raises(Cancelled):
        phones.recognise(samples, chunks, passages, Stage(progress), processes=2)
    assert children() == before
