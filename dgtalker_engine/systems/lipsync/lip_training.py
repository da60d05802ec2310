"""Teaches the lip encoder: what is heard in, the mouths of tracked clips out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...capture.lip_tracks import TrackedClip
from ...speech import sound
from ...speech.analysis import activity, prosody
from ...speech.lipsync import mouth
from ...speech.lipsync.encoders import CHANNELS, LIP_INPUTS, TAPS, LipEncoder
from ...speech.lipsync.features import PhoneFeatures, SoundFeatures
from ...speech.progress import NO_PROGRESS
from ...speech.recognition import phones
from ...speech.visemes import ARTICULATORS
from . import ridge

# Millimetres by which a whole articulator opens the lips and widens the mouth of the built-in heads.
_OPENS = {"jaw": 28.0, "lower": 7.0, "upper": 7.7, "funnel": 11.8}
_WIDENS = {"jaw": -5.7, "wide": 12.3, "pucker": -19.7, "funnel": -11.7}
_GAINS = np.array([[gains.get(name, 0.0) for name in ARTICULATORS] for gains in (_OPENS, _WIDENS)])

_ROOM = np.array([0.15, 0.12, 0.07, 0.10, 0.12, 0.08, 0.0])
"""How far each of `visemes.ARTICULATORS` moves in speech: the more, the more of a difference it takes upon itself."""

_STIFFNESS = 1.0

_OPEN = 1.9
"""How far lips are open on average in speech, in standard deviations of their opening (1.2 to 2.9 in real clips)."""

_SPEAKING = LIP_INPUTS - 1


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
    samples = sound.to_speech_rate(clip.samples, clip.sample_rate, NO_PROGRESS)
    level = activity.loudness(samples)
    spans = activity.utterances(samples, level)
    heard = phones.recognise(samples, activity.chunks(spans, level), [], NO_PROGRESS, processes=1)
    syllables = prosody.syllables(heard.phones, level, prosody.pitch(samples, spans, NO_PROGRESS))
    rules = PhoneFeatures(heard.phones, syllables, len(samples) / sound.RATE)
    voiced = np.zeros(len(clip.times), bool)
    for span in spans:
        voiced |= (clip.times >= span.start) & (clip.times <= span.end)
    return Example(clip, mouth.heard(samples, rules, hearing, spans, heard.wordless, NO_PROGRESS), voiced)


def teach(examples: Sequence[Example]) -> LipEncoder:
    """The encoder of least squares for some clips, of which those without speech are left out.

    Tracked lips say how far they are open and how wide, in units of their own: their mean and deviation in the clip.
    What is learned is both in these units; the rules' deviation in millimetres then is the mouth's. The articulators
    that get there with the least change are the answer. All of that is linear, and so is the encoder.
    """
    spoken = [example for example in examples if example.voiced.sum() > LIP_INPUTS]
    lessons = [_lesson(example) for example in spoken]
    learned = ridge.solve(lessons, stiffness=_STIFFNESS, free=[_SPEAKING])
    # Least squares predicts too little movement where it is unsure: as much as tracked lips have is wanted.
    said = [np.einsum("nit,oit->no", inputs, learned) for inputs, _ in lessons]
    learned /= np.mean([each.std(axis=0) for each in said], axis=0)[:, None, None] + 1e-9

    now = TAPS // 2
    rules = [_millimetres(inputs[:, :, now]) for inputs, _ in lessons]
    size = np.mean([each.std(axis=0) for each in rules], axis=0)
    usual = np.array([_OPEN * size[0], np.mean([each[:, 1].mean() for each in rules])])
    weights = size[:, None, None] * learned
    weights[:, _SPEAKING, now] += usual
    weights[:, : len(ARTICULATORS), now] -= _GAINS
    share = (_ROOM**2)[:, None] * _GAINS.T
    encoder = LipEncoder().eval()
    ridge.give(encoder, np.einsum("ao,oit->ait", share @ np.linalg.inv(_GAINS @ share), weights))
    return encoder


def _millimetres(heard: np.ndarray) -> np.ndarray:
    """How far the rules open the lips and widen the mouth, contacts included, float64 (n, 2)."""
    result = heard[:, : len(ARTICULATORS)] @ _GAINS.T
    result[:, 0] *= 1.0 - heard[:, CHANNELS.index("closure")]
    return result


def _lesson(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of each voiced frame, and how far its lips are open and wide (n, 2), mean 0 and deviation 1."""
    tracked = np.stack([example.clip.opening, example.clip.width], axis=1)[example.voiced]
    spread = tracked.std(axis=0) + 1e-9
    return ridge.seen(example.heard, example.clip.times[example.voiced]), (tracked - tracked.mean(axis=0)) / spread
