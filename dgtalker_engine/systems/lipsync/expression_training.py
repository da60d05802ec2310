"""Teaches the expression encoder: melody and blinks in, brows, lids and cheeks of tracked clips out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...capture.blendshape_fit import FaceFit
from ...capture.lip_tracks import TrackedClip
from ...speech import sound
from ...speech.analysis import activity, prosody
from ...speech.lipsync import prosody_features
from ...speech.lipsync.encoders import EXPRESSION, ExpressionEncoder
from ...speech.lipsync.spectrum import HOP
from ...speech.progress import NO_PROGRESS
from ...speech.recognition import phones
from . import ridge

BLINK = "eyeBlink"
"""What the encoder is told of the clip, beside its sound."""

_STIFFNESS = 1.0


@dataclass(frozen=True)
class Example:
    """A clip, and what its expression encoder is to hear and say.

    Attributes:
        clip: the tracked one.
        heard: `melody.heard`, a row every `spectrum.HOP`.
        asked: weights about the clip's usual face (n, `encoders.EXPRESSION`).
    """

    clip: TrackedClip
    heard: np.ndarray
    asked: np.ndarray


def listen(clip: TrackedClip, fit: FaceFit) -> Example:
    """What the expression encoder hears of a clip, and the face in it."""
    samples = sound.to_speech_rate(clip.samples, clip.sample_rate, NO_PROGRESS)
    level = activity.loudness(samples)
    spans = activity.utterances(samples, level)
    spoken = phones.recognise(samples, activity.chunks(spans, level), [], NO_PROGRESS, processes=1).phones
    tone = prosody.pitch(samples, spans, NO_PROGRESS)
    found = fit.fit(clip.landmarks)
    blink = np.interp(np.arange(len(level)) * HOP, clip.times, np.clip(found[BLINK], 0.0, 1.0))
    asked = np.stack([found[name] for name in EXPRESSION], axis=1)
    return Example(clip, prosody_features.heard(level, tone, prosody.syllables(spoken, level, tone), blink), asked)


def teach(examples: Sequence[Example]) -> ExpressionEncoder:
    """The encoder of least squares for some clips."""
    encoder = ExpressionEncoder().eval()
    lessons = [(ridge.seen(each.heard, each.clip.times), each.asked) for each in examples if len(each.asked)]
    ridge.give(encoder, ridge.solve(lessons, stiffness=_STIFFNESS))
    return encoder
