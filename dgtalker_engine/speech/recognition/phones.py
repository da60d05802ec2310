"""What is said when: the recording's phones, from a transcript, from recognised words, or from sounds alone."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping, Sequence
from typing import Any

import numpy as np

from ..analysis.activity import Span
from ..passages import Passage
from ..progress import Stage
from . import spelling, transcript_alignment
from .chunk_decoder import alignable, bare_words, decode_chunk, decode_heard
from .pool import Task, run_tasks
from .recogniser import SILENCE, bare, ready
from .result import Recognition, SpokenPhone
from .transcript_alignment import ChunkTranscript

__all__ = ["VOWELS", "Recognition", "SpokenPhone", "decode_chunk", "recognise", "run_task"]

_ENGLISH = -0.8
"""Mean log-probability of Whisper's tokens from which on what it writes is taken for what is said.

It is −0.79 and above in all of 72 chunks of English clips, −0.83 and below in 12 of 15 of other languages.
"""

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])


def recognise(
    samples: np.ndarray,
    chunks: Sequence[Span],
    passages: Sequence[Passage],
    progress: Stage,
    *,
    processes: int = 0,
    heard: MutableMapping[str, Any] | None = None,
) -> Recognition:
    """Finds the phones of a recording.

    Args:
        samples: at `sound.RATE`.
        chunks: what is listened to, `activity.chunks`.
        passages: their transcripts are used.
        processes: how many listen; 0 chooses.
        heard: answers of `run_task` of earlier times, which are not asked for again; new ones are added.
    """
    recognition = Recognition()
    known = {} if heard is None else heard

    def run(tasks: Sequence[Task], start: float, end: float) -> list[Any]:
        names = [_name(task, samples) for task in tasks]
        new = {name: task for name, task in zip(names, tasks, strict=True) if name not in known}
        answers = run_tasks(samples, list(new.values()), run_task, progress.stage(start, end), processes=processes)
        known.update(zip(new, answers, strict=True))
        return [known[name] for name in names]

    transcripts = [ChunkTranscript() for _ in chunks]
    begin = 0.0
    if any(passage.known for passage in passages):
        begin = 0.25
        transcripts = transcript_alignment.distribute(
            chunks,
            passages,
            lambda words: alignable(words, ready(progress), recognition),
            lambda tasks, start, end: run(tasks, begin * start, begin * end),
        )
    untold = [chunk for chunk, own in zip(chunks, transcripts, strict=True) if not (own.certain or own.transcript)]
    middle = begin + (1.0 - begin) * 0.5 * len(untold) / len(chunks)
    words = dict(zip(untold, _words_heard(samples, untold, known, progress.stage(begin, middle)), strict=True))
    tasks = [
        Task("heard", (chunk,), (words[chunk],))
        if words.get(chunk)
        else Task("follow" if own.certain else "decode", (chunk,), (own.words, own.transcript))
        for chunk, own in zip(chunks, transcripts, strict=True)
    ]
    for chunk, answer in zip(chunks, run(tasks, middle, 1.0), strict=True):
        recognition.add(Recognition.from_json(answer), chunk.start)
    recognition.settle_music()
    return recognition


def run_task(kind: str, sound: np.ndarray, words: Sequence[list[str]], progress: Stage) -> Any:
    """One task of `pool`, answered with what JSON can hold.

    Args:
        kind: ``decode`` (`words` are a chunk's words and the whole transcript): `decode_chunk`; ``follow``: the same of
            words that are certain. ``heard`` (`words` are those that Whisper heard): `decode_heard`. ``align`` (`words`
            are those that are spoken): when each word is spoken, a list of word, start, end. ``recognise``: the words
            that were recognised.
        sound: float32 (n,) at `sound.RATE`.
    """
    if kind in ("decode", "follow"):
        return decode_chunk(sound, words[0], words[1], progress, certain=kind == "follow").to_json()
    if kind == "heard":
        return decode_heard(sound, words[0], progress).to_json()
    recogniser = ready(progress)
    if kind == "recognise":
        recogniser.adapt_channel(sound, progress.stage(0.0, 0.05))
        return bare_words(recogniser.words(sound, progress.stage(0.05, 1.0))[0])
    assert kind == "align"
    times = recogniser.word_times(sound, alignable(words[0], recogniser, Recognition()), progress)
    return [(bare(word.name), word.start, word.end) for word in times if word.name != SILENCE]


def _words_heard(
    samples: np.ndarray, chunks: Sequence[Span], known: MutableMapping[str, Any], progress: Stage
) -> list[list[str]]:
    """The English words that are spoken in each chunk; none where another language is, or nothing.

    Args:
        known: what was heard at earlier times; what is new is added.
    """
    from ..whisper.words import hear  # loads PyTorch, which those who follow transcripts do without

    names = [_name(Task("words", (chunk,)), samples) for chunk in chunks]
    new = {name: chunk for name, chunk in zip(names, chunks, strict=True) if name not in known}
    for name, heard in zip(new, hear(samples, list(new.values()), progress), strict=True):
        known[name] = (heard.text, heard.likelihood)
    return [spelling.words(text) if likelihood > _ENGLISH else [] for text, likelihood in (known[n] for n in names)]


def _name(task: Task, samples: np.ndarray) -> str:
    """What a task's answer depends on, in few letters."""
    asked = hashlib.blake2b(repr((task.kind, task.words, len(task.spans))).encode(), digest_size=16)
    asked.update(task.sound(samples).tobytes())
    return asked.hexdigest()
