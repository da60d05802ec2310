"""What the motion translator learns from: clips with a tracked face and sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d
from torch import Tensor

from ....capture.face_model import FaceModel, Region
from ....errors import DGTalkerError
from ....rig import ARKIT_NAMES
from ....speech.hearing.moments import RATE, Heard
from .config import AdaptationConfig, MotionConfig
from .model import ANYONE, MOTION_NAMES, Scale

_COLUMNS = [ARKIT_NAMES.index(name) for name in MOTION_NAMES]
_LONGEST_GAP = 0.1
"""Seconds without a tracked picture over which curves are still known."""

_OPENS = {"jawOpen": 1.0, "mouthClose": -0.8, "mouthLowerDown": 0.2, "mouthUpperUp": 0.2}
"""About how far curves open the lips, against the jaw."""

_SURE = 0.25
"""The correlation from which on a delay is believed."""

_SLACK = 0.5
"""Seconds of quiet, before and after speech, that are learned from too: mouths that rest are part of a manner."""


class NoSpeechError(DGTalkerError):
    """A clip that does not show how its person speaks."""


@dataclass(frozen=True)
class Sample:
    """A clip.

    Attributes:
        name: of the clip.
        speaker: who speaks in it; the same person has the same name in all clips.
        heard: its sound.
        curves: what the face did, `MOTION_NAMES`, float32 (T, N), `RATE` a second, as many as `heard` has.
        weight: 1 where curves are known, somebody speaks or just did, and so are to be learned, float32 (T,).
    """

    name: str
    speaker: str
    heard: Heard
    curves: np.ndarray
    weight: np.ndarray


def sample_of(name: str, speaker: str, heard: Heard, times: np.ndarray, arkit: np.ndarray) -> Sample:
    """A sample of tracked pictures.

    Args:
        name, speaker: as `Sample` has them.
        heard: the clip's sound.
        times: of the pictures, seconds from the sound's first sample, ascending (n,).
        arkit: weights of `rig.ARKIT_NAMES` (n, 52).

    Raises:
        NoSpeechError: there are no pictures, or hardly any speech.
    """
    clock = np.arange(len(heard)) / RATE
    if len(times) < 2:
        raise NoSpeechError(f"{name} shows no face to learn from.", "Give a clip in which somebody speaks.")
    curves = np.stack([np.interp(clock, times, arkit[:, column]) for column in _COLUMNS], axis=1)
    after = np.clip(np.searchsorted(times, clock), 1, len(times) - 1)
    known = (clock >= times[0]) & (clock <= times[-1]) & (times[after] - times[after - 1] <= _LONGEST_GAP)
    weight = (known & _widened(heard.speaking, round(_SLACK * RATE))).astype(np.float32)
    if weight.sum() < RATE:
        raise NoSpeechError(
            f"{name} has less than a second of speech with a face that is seen.",
            "Give a clip in which the person speaks, with its sound.",
        )
    return Sample(name, speaker, heard, curves.astype(np.float32), weight)


def _widened(speaking: np.ndarray, moments: int) -> np.ndarray:
    return maximum_filter1d(speaking.astype(np.uint8), 2 * moments + 1, mode="constant") > 0


def shifted(sample: Sample, seconds: float) -> Sample:
    """The sample with its face that much earlier, where its lips lag behind its sound."""
    moments = round(seconds * RATE)
    curves, weight = (np.roll(x, -moments, axis=0) for x in (sample.curves, sample.weight))
    # What rolled around is not the clip's.
    weight[len(weight) - max(moments, 0) :] = 0.0
    weight[: max(-moments, 0)] = 0.0
    return Sample(sample.name, sample.speaker, sample.heard, curves, weight)


def aligned(sample: Sample, latest: float) -> Sample:
    """The sample with its lips where the rules' movement of the recognised phones fits them best.

    Sound and picture of videos from everywhere are up to 100 ms apart, which one translator for all cannot know.

    Args:
        sample: a whole clip.
        latest: seconds that are tried to either side.
    """
    spoken = sample.heard.phones[:, :3].sum(axis=1)  # jaw, lower, upper
    moves = np.array([_OPENS.get(name.removesuffix("Left").removesuffix("Right"), 0.0) for name in MOTION_NAMES])
    best, offset = -1.0, 0.0
    for moments in sorted(range(-round(latest * RATE), round(latest * RATE) + 1), key=abs):
        moved = shifted(sample, moments / RATE)
        rows = moved.weight > 0
        a, b = spoken[rows], moved.curves[rows] @ moves
        likeness = float(np.corrcoef(a, b)[0, 1]) if a.std() * b.std() > 1e-9 else 0.0
        if likeness > best + 1e-6:
            best, offset = likeness, moments / RATE
    return shifted(sample, offset) if best > _SURE else sample


def part(sample: Sample, start: float, end: float) -> Sample:
    """The sample from one time to another, seconds; its sound keeps what was heard around."""
    rows = slice(round(start * RATE), round(end * RATE))
    whole = sample.heard
    heard = Heard(whole.phones[rows], whole.sound[:, rows], whole.words[rows], whole.speaking[rows], whole.blank)
    return Sample(sample.name, sample.speaker, heard, sample.curves[rows], sample.weight[rows])


def scale_of(samples: Sequence[Sample], speakers: Sequence[str]) -> Scale:
    """Units in which sounds and curves of some samples are about 1, and what is usual for each speaker."""
    heard = [(sample.heard, sample.heard.speaking) for sample in samples]
    sound = np.concatenate([each.sound[0][rows] for each, rows in heard])
    phones = np.concatenate([each.phones[rows] for each, rows in heard])
    # People rest differently: what sound moves is how far each is from what is usual for them.
    own = [np.concatenate([s.curves[s.weight > 0] for s in samples if s.speaker == speaker]) for speaker in speakers]
    means = np.stack([rows.mean(axis=0) for rows in own])
    usual = np.concatenate([means.mean(axis=0, keepdims=True), means])
    deviation = np.sqrt(np.mean([rows.var(axis=0) for rows in own], axis=0)) + 0.01
    values = (phones.mean(axis=0), phones.std(axis=0) + 0.01, sound.mean(axis=0), sound.std(axis=0) + 0.01)
    return Scale(*(torch.from_numpy(np.asarray(value, np.float32)) for value in (*values, usual, deviation)))


def lip_basis(face: FaceModel) -> Tensor:
    """How far each of `MOTION_NAMES` moves the vertices of the lips (M_L of eq. 7), metres (N, K, 3)."""
    lips = face.faces[face.regions == int(Region.LIPS)].unique()
    return face.displacements()[_COLUMNS][:, lips].float()


class Crops(NamedTuple):
    """A step's sequences: phones, the sound in one timbre and in another, words, curves, their weights, and persons."""

    phones: Tensor
    sound: Tensor
    other: Tensor
    words: Tensor
    curves: Tensor
    weight: Tensor
    person: Tensor


class Batches:
    """Crops of samples: long ones are drawn more often than short ones."""

    def __init__(self, samples: Sequence[Sample], speakers: Sequence[str]) -> None:
        """Takes who has a row of the embedding, in its order; others are `ANYONE`."""
        self._samples = list(samples)
        self._rows = [ANYONE + 1 + speakers.index(s.speaker) if s.speaker in speakers else ANYONE for s in samples]
        self._ends = np.cumsum([sample.weight.sum() for sample in samples])

    def draw(self, random: np.random.Generator, config: MotionConfig | AdaptationConfig) -> Crops:
        """`config.batch` crops."""
        moments = round(config.crop * RATE)
        rows = []
        for _ in range(config.batch):
            chosen = int(np.searchsorted(self._ends, random.random() * self._ends[-1], side="right"))
            sample = self._samples[chosen]
            first = int(random.integers(0, max(len(sample.heard) - moments, 0) + 1))
            window = slice(first, first + moments)
            versions = len(sample.heard.sound)
            pair = random.permutation(versions)[:2] if versions > 1 else (0, 0)
            cut = [sample.heard.phones[window], *(sample.heard.sound[i, window] for i in pair)]
            cut += [sample.heard.words[window], sample.curves[window], sample.weight[window]]
            rows.append([np.pad(x, [(0, moments - len(x)), *[(0, 0)] * (x.ndim - 1)]) for x in cut])
            rows[-1].append(np.array(self._rows[chosen]))
        return Crops(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))
