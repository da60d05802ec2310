"""What is found in a recording before any face moves: where somebody speaks, its phones, its pitch and its stress.

`animate` begins with it, and so does everything that learns from sound or judges it: what a model learned from is what
it gets at run time.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import sound
from .analysis import activity, music, prosody
from .analysis import pauses as pausing
from .analysis.activity import Span
from .analysis.prosody import Syllable
from .passages import Passage
from .progress import NO_PROGRESS, Stage
from .recognition import phones
from .recognition.recogniser import SILENCE
from .recognition.result import Recognition, SpokenPhone


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A recording, and what was found in it.

    Attributes:
        samples: at `sound.RATE` (n,), `activity.levelled`.
        level: `activity.loudness`, dB (frames,), a frame every `activity.HOP`.
        chunks: what the recogniser listened to; none where nobody speaks.
        utterances: where somebody speaks, in order and apart; where only music was heard is left out.
        recognition: phones in order, and what the user should know about them.
        f0: `prosody.estimate_f0`, semitones (frames,).
        syllables: vowels in order, and how far they stand out.
        pauses: `analysis.pauses`.
    """

    samples: np.ndarray
    level: np.ndarray
    chunks: Sequence[Span]
    utterances: Sequence[Span]
    recognition: Recognition
    f0: np.ndarray
    syllables: Sequence[Syllable]
    pauses: Sequence[Span]

    @property
    def phones(self) -> list[SpokenPhone]:
        return self.recognition.phones

    @property
    def duration(self) -> float:
        """Seconds of `samples`."""
        return len(self.samples) / sound.RATE

    def in_speech(self, times: np.ndarray) -> np.ndarray:
        """Which of some times, seconds (n,), lie in utterances: bool (n,)."""
        inside = np.zeros(len(times), bool)
        for span in self.utterances:
            inside |= (times >= span.start) & (times <= span.end)
        return inside

    def talking(self, times: np.ndarray, lead: float = pausing.LEAD) -> np.ndarray:
        """How far the mouth takes part at some times, seconds, ascending (n,): `analysis.pauses.talking`."""
        return pausing.talking(self.pauses, times, lead)


def analyse(
    samples: np.ndarray,
    sample_rate: float,
    passages: Sequence[Passage] = (),
    *,
    phones_known: Sequence[SpokenPhone] | None = None,
    progress: Stage = NO_PROGRESS,
    processes: int = 0,
    heard: MutableMapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Analysis:
    """Analyses a recording.

    Args:
        samples: mono (n,), `sound.checked`.
        sample_rate: Hz.
        passages: their transcripts are used.
        phones_known: the phones where it is known what is spoken when; nothing is recognised then.
        progress: of the whole.
        processes: how many listen; 0 chooses.
        heard: what was recognised at earlier times, see `phones.recognise`.
        overwrite: whether the samples may be changed: of two hours, a copy takes 230 MB.

    Raises:
        DGTalkerError: a process that listens ended unexpectedly.
        Cancelled: from `progress`.
    """
    given = samples
    samples = sound.to_speech_rate(given, sample_rate, progress.stage(0.0, 0.03, "Reading the sound"))
    samples, level = activity.levelled(samples, overwrite=overwrite or samples is not given)
    utterances = activity.utterances(samples, level)
    chunks: list[Span] = []
    recognition = Recognition(phones=list(phones_known or ()))
    if phones_known is None:
        cuts = [time for passage in passages if passage.known for time in (passage.start, passage.end)]
        cuts += music.changes(samples, progress.stage(0.03, 0.04, "Reading the sound"))
        chunks = activity.chunks(utterances, level, cuts)
    if chunks:
        recognition = phones.recognise(
            samples, chunks, passages, progress.stage(0.04, 0.96, "Listening"), processes=processes, heard=heard
        )
        utterances = activity.without(utterances, recognition.music)
    silent = [Span(p.start, p.end) for p in passages if p.certain and not p.transcript.strip()]
    utterances = activity.without(utterances, silent)
    spoken = [Span(p.start, p.end) for p in recognition.phones if p.name != SILENCE]
    f0 = prosody.estimate_f0(samples, utterances, progress.stage(0.96, 1.0, "Following the pitch"))
    return Analysis(
        samples=samples,
        level=level,
        chunks=chunks,
        utterances=utterances,
        recognition=recognition,
        f0=f0,
        syllables=prosody.syllables(recognition.phones, level, f0),
        pauses=pausing.pauses(spoken, utterances, level),
    )
