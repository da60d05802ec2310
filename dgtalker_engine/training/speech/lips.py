"""Teaches the lip encoder: what is heard in, the mouths of tracked clips out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...speech import activity, phones, prosody, sound
from ...speech.learned import mouth
from ...speech.learned.encoders import LipEncoder
from ...speech.learned.features import PhoneFeatures, SoundFeatures
from ...speech.progress import Progress
from ...speech.visemes import ARTICULATORS
from . import ridge
from .tracked import TrackedClip

# Millimetres by which a whole articulator opens the lips and widens the mouth (ICT-FaceKit's, by `visemes.ARKIT`).
_OPENS = {"jaw": 33.0, "lower": 6.0, "upper": 6.0, "funnel": 12.0}
_WIDENS = {"jaw": -5.7, "wide": 9.7, "pucker": -9.4, "funnel": -6.2}
_GAINS = np.array([[gains.get(name, 0.0) for name in ARTICULATORS] for gains in (_OPENS, _WIDENS)])

_ROOM = np.array([0.15, 0.12, 0.07, 0.10, 0.20, 0.08, 0.0])
"""How far each of `visemes.ARTICULATORS` moves in speech: the more, the more of a difference it takes upon itself."""

_STIFFNESS = 0.01
_QUIET = Progress(None)


@dataclass(frozen=True)
class Example:
    """A clip, and what is heard in it.

    Attributes:
        clip: the tracked one.
        heard: `mouth.heard`, a row every `spectrum.HOP`.
        voiced: which of the clip's frames lie in speech (n,).
    """

    clip: TrackedClip
    heard: np.ndarray
    voiced: np.ndarray


def listen(clip: TrackedClip, hearing: SoundFeatures) -> Example:
    """What the lip encoder hears of a clip's sound."""
    samples = sound.to_speech_rate(clip.samples, clip.sample_rate, _QUIET)
    level = activity.loudness(samples)
    spans = activity.utterances(samples, level)
    heard = phones.hear(samples, activity.chunks(spans, level), [], _QUIET, processes=1)
    syllables = prosody.syllables(heard.phones, level, prosody.pitch(samples, spans, _QUIET))
    rules = PhoneFeatures(heard.phones, syllables, len(samples) / sound.RATE)
    voiced = np.zeros(len(clip.times), bool)
    for span in spans:
        voiced |= (clip.times >= span.start) & (clip.times <= span.end)
    return Example(clip, mouth.heard(samples, rules, hearing, spans, heard.wordless, _QUIET), voiced)


def teach(examples: Sequence[Example]) -> LipEncoder:
    """The encoder of least squares for some clips, of which those without speech are left out."""
    encoder = LipEncoder().eval()
    lessons = [_lesson(example) for example in examples if example.voiced.sum() > len(ARTICULATORS)]
    ridge.solve(encoder, lessons, stiffness=_STIFFNESS)
    return encoder


def _lesson(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of each voiced frame, and how its articulators should differ from the rules'.

    Tracked lips say how far they are open and how wide, in units of their own; as units the rules' mean and deviation
    in the clip are taken. The articulators that get there with the least change are the answer.
    """
    times = example.clip.times[example.voiced]
    inputs = ridge.seen(example.heard, times)
    rules = inputs[:, : len(ARTICULATORS), inputs.shape[2] // 2]
    usual = rules @ _GAINS.T
    tracked = np.stack([example.clip.opening, example.clip.width], axis=1)[example.voiced]
    asked = usual.mean(axis=0) + usual.std(axis=0) * (tracked - tracked.mean(axis=0)) / (tracked.std(axis=0) + 1e-9)
    share = (_ROOM**2)[:, None] * _GAINS.T
    change = (asked - usual) @ np.linalg.solve(_GAINS @ share, share.T)
    return inputs, change
