"""What networks that move a speaker's face are given of a sound.

Two things: the *sound*, by features that change with the voice and that GaussianTalker's universal audio encoder makes
independent of it (eq. 1): hidden states of the user's wav2vec 2.0 where there is a folder, otherwise our own sound
encoder's; and the *phones* that were recognised, with the movement that the rules make of them, which no voice changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DGTalkerError
from .. import front_end
from ..analysis.activity import Span
from ..front_end import Analysis
from ..lipsync import weights
from ..lipsync.encoders import CHANNELS
from ..lipsync.features import Features, PhoneFeatures, SoundFeatures, contact
from ..lipsync.pretrained import PretrainedFeatures
from ..lipsync.spectrum import HOP
from ..progress import NO_PROGRESS, Stage
from ..sound import RATE as SAMPLE_RATE
from .letters import Letters
from .timbre import Timbre, convert

RATE = 50
"""Moments a second of what is heard."""

PHONE_INPUTS = len(CHANNELS) + 2
"""The rules' movement, whether words were recognised, and 1 in speech."""

OWN = "dgtalker speech 1"
"""The name of our own sound features."""

_EVERY = round(1 / (RATE * HOP))
_FADE = 0.1


@dataclass(frozen=True)
class Heard:
    """A sound as networks are given it, `RATE` moments a second.

    Attributes:
        phones: float32 (n, `PHONE_INPUTS`); 0 in silence.
        sound: float32 (timbres, n, width): first as it was recorded, then in other timbres; 0 in silence.
        words: what the frozen recogniser hears in the recording, probabilities of phones or letters (n, classes).
        speaking: in speech, bool (n,).
        blank: the class that is no letter, where `words` are those of a recogniser with CTC; None for phones.
    """

    phones: np.ndarray
    sound: np.ndarray
    words: np.ndarray
    speaking: np.ndarray
    blank: int | None = None

    def __len__(self) -> int:
        return len(self.phones)

    def around(self, times: np.ndarray, count: int, spacing: float) -> np.ndarray:
        """What is heard around some moments, phones and then the sound as it was recorded.

        Args:
            times: seconds from the first sample (T,).
            count: moments around each, evenly before and after it.
            spacing: seconds from one to the next.

        Returns:
            float32 (T, count, `PHONE_INPUTS` + width); before its beginning and after its end a sound stays as it is.
        """
        rows = np.concatenate([self.phones, self.sound[0]], axis=1)
        around = times[:, None] + (np.arange(count) - (count - 1) / 2) * spacing
        places = np.clip(around * RATE, 0, len(rows) - 1)
        first = np.minimum(places.astype(np.int64), max(len(rows) - 2, 0))
        share = (places - first)[..., None].astype(np.float32)
        after = np.minimum(first + 1, len(rows) - 1)
        return ((1 - share) * rows[first] + share * rows[after]).astype(np.float32)


@dataclass(frozen=True)
class SoundInput:
    """Features of a sound, and what they are called in files: weights fit the features that they learned with.

    Attributes:
        name: of the features.
        features: `Heard.sound`.
        phones: our own sound encoder, whose phones are `Heard.words` where there is no `letters`.
        letters: of a recogniser with CTC that the user has (eq. 3).
    """

    name: str
    features: Features
    phones: SoundFeatures
    letters: Letters | None = None

    @property
    def width(self) -> int:
        return self.features.width


def sound_input(source: str = "") -> SoundInput:
    """The features of a folder with wav2vec 2.0, HuBERT or WavLM, or without one our own.

    Raises:
        DGTalkerError: there is no such folder, or no such model in it.
    """
    encoders = weights.shipped()
    own = SoundFeatures(encoders.sound, encoders.scale)
    if not source:
        return SoundInput(OWN, own, own)
    if not Path(source).is_dir():
        raise DGTalkerError(
            f"There is no folder {source} with a wav2vec 2.0, HuBERT or WavLM.",
            "Give a folder with config.json and model.safetensors, or none: then our own sound features are heard.",
        )
    return SoundInput(source, PretrainedFeatures(source), own, Letters.of(source))


def sound_of(name: str) -> SoundInput:
    """The features that a motion model's file names: no others fit its weights.

    Raises:
        DGTalkerError: they are of a folder that this machine does not have.
    """
    if name != OWN and not Path(name).is_dir():
        raise DGTalkerError(
            f"This motion model hears a sound through {name}, which is not on this machine.",
            "Put that folder in its place, or train again without --wav2vec: then our own sound features are heard.",
        )
    return sound_input("" if name == OWN else name)


def hear(
    samples: np.ndarray,
    sample_rate: float,
    sound: SoundInput,
    *,
    timbres: Sequence[Timbre] = (),
    progress: Stage = NO_PROGRESS,
) -> Heard:
    """Analyses a recording as `front_end.analyse` does, and gives what is heard in it.

    Raises:
        DGTalkerError: a process that listens ended unexpectedly.
        Cancelled: from `progress`.
    """
    analysis = front_end.analyse(samples, sample_rate, progress=progress.stage(0.0, 0.7))
    return heard(analysis, sound, timbres=timbres, progress=progress.stage(0.7, 1.0))


def heard(
    analysis: Analysis, sound: SoundInput, *, timbres: Sequence[Timbre] = (), progress: Stage = NO_PROGRESS
) -> Heard:
    """What is heard in a recording that is analysed already."""
    frames = len(analysis.samples) // int(HOP * SAMPLE_RATE) + 1
    rules = PhoneFeatures(analysis.phones, analysis.syllables, analysis.duration)
    speaking = _inside(analysis.utterances, frames)
    known = speaking * (1.0 - _inside(analysis.recognition.wordless, frames))
    phones = np.concatenate([rules.extract(analysis.samples), known, speaking], axis=1)[::_EVERY]
    words = _chances(sound.phones.extract(analysis.samples))[:, len(CHANNELS) :]
    if sound.letters is not None:
        words = sound.letters.extract(analysis.samples)
    versions = []
    for i, timbre in enumerate((None, *timbres)):
        progress.report(i / (len(timbres) + 1))
        samples = analysis.samples if timbre is None else convert(analysis.samples, timbre)
        rows = sound.features.extract(samples)
        versions.append(((_chances(rows) if sound.name == OWN else rows) * speaking)[::_EVERY])
    return Heard(
        phones=phones.astype(np.float32),
        sound=np.stack(versions).astype(np.float32),
        words=(words * speaking)[::_EVERY].astype(np.float32),
        speaking=speaking[::_EVERY, 0] > 0.5,
        blank=None if sound.letters is None else sound.letters.blank,
    )


def _chances(rows: np.ndarray) -> np.ndarray:
    """Our own features with the phones' probabilities: their logarithms have long tails."""
    return np.concatenate([rows[:, : len(CHANNELS)], np.exp(rows[:, len(CHANNELS) :])], axis=1)


def _inside(spans: Sequence[Span], frames: int) -> np.ndarray:
    """1 in spans, 0 elsewhere, with ramps outside them, float32 (frames, 1)."""
    return contact(np.array([(span.start, span.end) for span in spans]).reshape(-1, 2), frames, _FADE)[:, None]
