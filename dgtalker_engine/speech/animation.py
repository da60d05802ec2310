"""From sound to a Take: the whole way."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from ..errors import DGTalkerError
from ..performance import Phone, Take, Word
from . import coarticulation, front_end, sound, visemes
from .analysis import prosody
from .front_end import Analysis
from .passages import Passage
from .progress import NO_PROGRESS, ProgressCall, Stage
from .recognition import recogniser
from .recognition.result import SpokenPhone

if TYPE_CHECKING:
    from .lipsync.weights import Encoders

Mouth = Callable[[np.ndarray], np.ndarray]
"""Times in seconds (n,), ascending, to the mouth (n, `visemes.ARTICULATORS`), or to the curves of a `Manner`."""


class Manner(Protocol):
    """How one person moves their mouth, where that was learned."""

    @property
    def names(self) -> tuple[str, ...]:
        """ARKit's, of the curves."""
        ...

    def mouth(self, analysis: Analysis, progress: Stage = NO_PROGRESS) -> Mouth:
        """The curves of a recording: times to weights of `names`."""
        ...


_FRAMES = 256
_PAUSE = 0.15


@dataclass(frozen=True)
class Speech:
    """What was found in a recording, and sentences for the user about it."""

    take: Take
    notes: tuple[str, ...]


def animate(
    samples: np.ndarray,
    sample_rate: float,
    *,
    fps: float,
    passages: Sequence[Passage] = (),
    encoders: Encoders | Literal["shipped"] | None = "shipped",
    manner: Manner | None = None,
    heard: MutableMapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: ProgressCall | None = None,
) -> Speech:
    """Finds what makes a face speak a recording; `performance.perform` makes the weights of it.

    The motion is a continuous function of time and is sampled at `i / fps`; the last frame lies before the end of the
    sound: frames = ceil(duration · fps). The same sound gives the same motion every time.

    Args:
        samples: mono PCM (n,), full scale ±1; float16 where it is so long that memory counts.
        sample_rate: Hz.
        fps: frames per second of the Take, any value from 1 to 1000.
        passages: transcripts, and which seconds of the sound each belongs to.
        encoders: what moves the mouth; None for the rules alone.
        manner: of the person whose mouth it is, in the encoders' place.
        heard: what was recognised at earlier times, by sound and words, which is not listened to again; what is new is
            added. It changes nothing but the time that it takes.
        overwrite: whether the samples may be changed: of two hours, a copy takes 230 MB.
        progress: told what is being done about every 50 ms; raises `errors.Cancelled` to stop.

    Raises:
        DGTalkerError: no samples, an impossible rate, or what moves the mouth is not installed.
        Cancelled: from `progress`.
    """
    if not 1 <= fps <= 1000:
        raise DGTalkerError(f"A performance cannot run at {fps} frames per second.", "Give 1 to 1000.")
    samples, broken = sound.checked(samples, sample_rate)
    if encoders is not None and manner is None:
        _load_mouth()  # what is missing is said before minutes of listening
    job = Stage(progress)
    duration = len(samples) / sample_rate
    analysis = front_end.analyse(
        samples, sample_rate, passages, progress=job.stage(0.0, 0.92), heard=heard, overwrite=overwrite
    )
    notes = ["Values in the sound that are no numbers were taken as silence."] if broken else []
    if analysis.chunks:
        notes += analysis.recognition.notes()
    else:
        notes.append("No speech was found in the sound; the face only blinks and moves a little.")
    mouth: Mouth
    names, matrix = visemes.CONTROLS, visemes.arkit_matrix(visemes.CONTROLS)
    seed = _seed(analysis.level)
    # Nobody's face is the same on both sides.
    tilt = np.random.default_rng([seed, 9]).uniform(-0.05, 0.05)
    matrix *= [1.0 + tilt * (name.endswith("Left") - name.endswith("Right")) for name in names]
    if manner is not None and analysis.chunks:
        mouth = manner.mouth(analysis, job.stage(0.92, 0.98, "Feeling the sounds"))
        names, matrix = manner.names, np.eye(len(manner.names))
    elif encoders is None or not analysis.chunks:
        mouth = _ruled(analysis)
    else:
        from .lipsync import mouth as learned

        kept = learned.shipped() if encoders == "shipped" else encoders
        rows = learned.predict(kept, analysis, job.stage(0.92, 0.98, "Feeling the sounds"))
        mouth = partial(learned.sample, rows)

    frames = math.ceil(len(samples) * fps / sample_rate - 1e-6)
    weights = np.zeros((frames, len(names)), np.float32)
    stage = job.stage(0.98, 1.0, "Moving the face")
    for start in range(0, frames, _FRAMES):
        stage.report(start / frames)
        times = np.arange(start, min(start + _FRAMES, frames)) / fps
        weights[start : start + len(times)] = mouth(times) @ matrix
    stage.report(1.0)
    take = Take(
        fps=float(fps),
        duration=duration,
        names=names,
        weights=weights,
        phones=tuple(Phone(phone.name, float(phone.start), float(phone.end)) for phone in analysis.phones),
        words=tuple(Word(w.name, float(w.start), float(w.end)) for w in analysis.recognition.words),
        utterances=np.array([(span.start, span.end) for span in analysis.utterances]).reshape(-1, 2),
        pauses=_pauses(analysis.phones, duration),
        syllables=np.array([(s.time, s.prominence, s.pitch) for s in analysis.syllables]).reshape(-1, 3),
        closures=coarticulation.contacts(analysis.phones, visemes.BILABIALS, 0.03),
        bites=coarticulation.contacts(analysis.phones, visemes.LABIODENTALS, 0.02),
        seed=seed,
    )
    return Speech(take, tuple(notes))


def warm_up() -> None:
    """Loads the recogniser's models and the encoders, so that the first recording need not wait for them.

    Raises:
        DGTalkerError: one of them is missing.
    """
    from .whisper import words

    recogniser.warm_up()
    _load_mouth()
    words.warm_up()


def _load_mouth() -> None:
    # Here, since it loads PyTorch, which those who only recognise do without.
    from .lipsync import weights
    from .whisper import model

    weights.shipped()
    model.installed()


def _ruled(analysis: Analysis) -> Mouth:
    """The mouth of the rules alone."""
    openings = prosody.openings(analysis.phones, analysis.syllables)
    score = coarticulation.score(analysis.phones, openings, analysis.duration)
    return lambda times: coarticulation.movement(score, times) * analysis.talking(times)[:, None]


def _pauses(spoken: Sequence[SpokenPhone], duration: float) -> np.ndarray:
    """Start and end of what lies between phones, seconds (n, 2)."""
    spans = []
    clock = 0.0
    for phone in spoken:
        if phone.name != recogniser.SILENCE:
            if phone.start - clock > _PAUSE:
                spans.append((clock, phone.start))
            clock = phone.end
    if duration - clock > _PAUSE:
        spans.append((clock, duration))
    return np.array(spans).reshape(-1, 2)


def _seed(level: np.ndarray) -> int:
    """A number that follows from the sound, but not from its volume nor from how its samples were rounded."""
    eighths = np.array_split(np.maximum(level - level.max(), -60.0), 8)
    coarse = [round(float(eighth.mean()) / 2.0) if len(eighth) else 0 for eighth in eighths]
    digest = hashlib.sha256(repr((coarse, round(len(level) / 10))).encode()).digest()
    return int.from_bytes(digest[:8], "little")
