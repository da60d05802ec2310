"""What is said when: the recording's phones, from a transcript, from recognised words, or from sounds alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..analysis.activity import Span
from ..passages import Passage
from ..progress import Progress
from . import transcript_alignment
from .chunk_decoder import bare_words, hear_sound, known
from .pool import Job, share
from .recogniser import SILENCE, bare, ready
from .result import Hearing, Phone
from .transcript_alignment import Script

__all__ = ["VOWELS", "Hearing", "Phone", "do", "hear", "hear_sound"]

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])


def hear(
    samples: np.ndarray, chunks: Sequence[Span], passages: Sequence[Passage], progress: Progress, processes: int = 0
) -> Hearing:
    """Finds the phones of a recording.

    Args:
        samples: at `sound.RATE`.
        chunks: stretches to listen to, `activity.chunks`.
        passages: their transcripts are used.
        processes: how many listen; 0 chooses.
    """
    hearing = Hearing()

    def ask(jobs: Sequence[Job], start: float, end: float) -> list[Any]:
        return share(samples, jobs, do, progress.stage(start, end), processes)

    found = [Script() for _ in chunks]
    begin = 0.0
    if any(passage.transcript.strip() for passage in passages):
        begin = 0.25
        found = transcript_alignment.distribute(
            chunks,
            passages,
            lambda words: known(words, ready(progress), hearing),
            lambda jobs, start, end: ask(jobs, begin * start, begin * end),
        )
    jobs = [Job("hear", (chunk,), (script.words, script.whole)) for chunk, script in zip(chunks, found, strict=True)]
    for chunk, heard in zip(chunks, ask(jobs, begin, 1.0), strict=True):
        hearing.add(Hearing.from_json(heard), chunk.start)
    hearing.settle_music()
    return hearing


def do(task: str, sound: np.ndarray, words: Sequence[list[str]], progress: Progress) -> Any:
    """One job of `team`, answered with what JSON can hold.

    Args:
        task: ``hear`` (`words` are a script and the whole of it): `hear_sound`. ``spread`` (`words` are a script): when
            each word is spoken, a list of word, start, end. ``recognise``: the words that were recognised.
        sound: float32 (n,) at `sound.RATE`.
    """
    if task == "hear":
        return hear_sound(sound, words[0], words[1], progress).to_json()
    recogniser = ready(progress)
    if task == "recognise":
        recogniser.attend(sound, progress.stage(0.0, 0.05))
        return bare_words(recogniser.words(sound, progress.stage(0.05, 1.0))[0])
    assert task == "spread"
    times = recogniser.word_times(sound, known(words[0], recogniser, Hearing()), progress)
    return [(bare(word.name), word.start, word.end) for word in times if word.name != SILENCE]
