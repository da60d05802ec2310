"""What is said when: the recording's phones, from a transcript, from recognised words, or from sounds alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..analysis.activity import Span
from ..passages import Passage
from ..progress import Stage
from . import transcript_alignment
from .chunk_decoder import alignable, bare_words, decode_chunk
from .pool import Task, run_tasks
from .recogniser import SILENCE, bare, ready
from .result import Recognition, SpokenPhone
from .transcript_alignment import ChunkTranscript

__all__ = ["VOWELS", "Recognition", "SpokenPhone", "decode_chunk", "recognise", "run_task"]

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])


def recognise(
    samples: np.ndarray, chunks: Sequence[Span], passages: Sequence[Passage], progress: Stage, *, processes: int = 0
) -> Recognition:
    """Finds the phones of a recording.

    Args:
        samples: at `sound.RATE`.
        chunks: what is listened to, `activity.chunks`.
        passages: their transcripts are used.
        processes: how many listen; 0 chooses.
    """
    recognition = Recognition()

    def run(tasks: Sequence[Task], start: float, end: float) -> list[Any]:
        return run_tasks(samples, tasks, run_task, progress.stage(start, end), processes=processes)

    transcripts = [ChunkTranscript() for _ in chunks]
    begin = 0.0
    if any(passage.transcript.strip() for passage in passages):
        begin = 0.25
        transcripts = transcript_alignment.distribute(
            chunks,
            passages,
            lambda words: alignable(words, ready(progress), recognition),
            lambda tasks, start, end: run(tasks, begin * start, begin * end),
        )
    tasks = [
        Task("decode", (chunk,), (own.words, own.transcript)) for chunk, own in zip(chunks, transcripts, strict=True)
    ]
    for chunk, answer in zip(chunks, run(tasks, begin, 1.0), strict=True):
        recognition.add(Recognition.from_json(answer), chunk.start)
    recognition.settle_music()
    return recognition


def run_task(kind: str, sound: np.ndarray, words: Sequence[list[str]], progress: Stage) -> Any:
    """One task of `pool`, answered with what JSON can hold.

    Args:
        kind: ``decode`` (`words` are a chunk's words and the whole transcript): `decode_chunk`. ``align`` (`words` are
            those that are spoken): when each word is spoken, a list of word, start, end. ``recognise``: the words that
            were recognised.
        sound: float32 (n,) at `sound.RATE`.
    """
    if kind == "decode":
        return decode_chunk(sound, words[0], words[1], progress).to_json()
    recogniser = ready(progress)
    if kind == "recognise":
        recogniser.adapt_channel(sound, progress.stage(0.0, 0.05))
        return bare_words(recogniser.words(sound, progress.stage(0.05, 1.0))[0])
    assert kind == "align"
    times = recogniser.word_times(sound, alignable(words[0], recogniser, Recognition()), progress)
    return [(bare(word.name), word.start, word.end) for word in times if word.name != SILENCE]
