"""Fits the expression encoder: prosody and blinks in, brows, lids and cheeks of tracked clips out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...capture.blendshape_fit import FaceFit
from ...capture.lip_tracks import TrackedClip
from ...errors import DGTalkerError
from ...speech import front_end
from ...speech.lipsync import prosody_features
from ...speech.lipsync.encoders import EXPRESSION, EXPRESSION_TAPS, ExpressionEncoder
from ...speech.lipsync.spectrum import HOP
from . import ridge
from .config import LipsyncConfig

BLINK = "eyeBlink"
"""What the encoder is told of the clip, beside its sound."""


@dataclass(frozen=True)
class ExpressionSample:
    """A clip, what the expression encoder is given of it, and what it should answer.

    Attributes:
        clip: the tracked one.
        rows: `prosody_features.inputs`, a row every `spectrum.HOP`.
        targets: weights about the clip's usual face (n, `encoders.EXPRESSION`).
    """

    clip: TrackedClip
    rows: np.ndarray
    targets: np.ndarray


def sample_of(clip: TrackedClip, face_fit: FaceFit) -> ExpressionSample:
    """What the expression encoder is given of a clip, and the face in it."""
    analysis = front_end.analyse(clip.samples, clip.sample_rate, processes=1)
    weights = face_fit.fit(clip.landmarks)
    blink = np.interp(np.arange(len(analysis.level)) * HOP, clip.times, np.clip(weights[BLINK], 0.0, 1.0))
    rows = prosody_features.inputs(analysis.level, analysis.f0, analysis.syllables, blink)
    return ExpressionSample(clip, rows, np.stack([weights[name] for name in EXPRESSION], axis=1))


def fit(samples: Sequence[ExpressionSample], config: LipsyncConfig) -> ExpressionEncoder:
    """The encoder of least squares for some clips.

    Raises:
        DGTalkerError: no clip has a picture with a face.
    """
    seen = [each for each in samples if len(each.targets)]
    if not seen:
        names = ", ".join(each.clip.name for each in samples)
        raise DGTalkerError(
            f"Brows, lids and cheeks cannot be learned from {names or 'no clips'}: no picture shows a face.",
            "Give clips in which a face is seen; some seconds of it are little, a minute is good.",
        )
    encoder = ExpressionEncoder().eval()
    pairs = [(ridge.context_windows(each.rows, each.clip.times, EXPRESSION_TAPS), each.targets) for each in seen]
    ridge.set_weights(encoder, ridge.solve(pairs, stiffness=config.expression_stiffness))
    return encoder
