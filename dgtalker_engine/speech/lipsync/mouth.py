"""The learned mouth: what the lip encoder is given of a recording, and the movement that it predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..analysis.activity import Span
from ..front_end import Analysis
from ..progress import NO_PROGRESS, Stage
from .encoders import CHANNELS, SPACING, TAPS, FaceEncoder, LipEncoder
from .features import PhoneFeatures, SoundFeatures, contact
from .spectrum import HOP
from .weights import Encoders, shipped

__all__ = ["apply", "inputs", "movement", "predict", "sample", "shipped"]

_PIECE, _REACH = 6000, TAPS // 2 * SPACING
_FADE = 0.1


def predict(encoders: Encoders, analysis: Analysis, progress: Stage = NO_PROGRESS) -> np.ndarray:
    """The mouth of a recording: float32 (len(samples) // 160 + 1, `visemes.ARTICULATORS`), a row every `spectrum.HOP`.

    Args:
        encoders: whose mouth it is.
        analysis: of the recording.
        progress: of the whole.
    """
    sound_features = SoundFeatures(encoders.sound, encoders.scale)
    return movement(encoders.lips, inputs(analysis, sound_features, progress))


def inputs(analysis: Analysis, sound_features: SoundFeatures, progress: Stage = NO_PROGRESS) -> np.ndarray:
    """What the lip encoder is given: float32 (frames, `encoders.LIP_INPUTS`), a row every `spectrum.HOP`.

    All of it fades where the mouth rests; where no words were recognised, phones are less to be trusted, and the
    encoder is told so.

    Args:
        analysis: of the recording.
        sound_features: of the sound encoder.
        progress: of the whole.
    """
    heard = sound_features.extract(analysis.samples, progress.stage(0.0, 0.7))
    by_sound, likely = heard[:, : len(CHANNELS)], np.exp(heard[:, len(CHANNELS) :])
    phone_features = PhoneFeatures(analysis.phones, analysis.syllables, analysis.duration)
    by_rules = phone_features.extract(analysis.samples, progress.stage(0.7, 1.0))
    talking = analysis.talking(np.arange(len(heard)) * HOP).astype(np.float32)[:, None]
    doubt = _inside(analysis.recognition.wordless, len(heard))
    rows = [by_rules, by_sound, doubt * by_rules, doubt * by_sound, likely, np.ones_like(doubt)]
    return np.concatenate(rows, axis=1) * talking


def _inside(spans: Sequence[Span], frames: int) -> np.ndarray:
    """1 in spans, 0 elsewhere, with ramps outside them, float32 (frames, 1)."""
    return contact(np.array([(span.start, span.end) for span in spans]).reshape(-1, 2), frames, _FADE)[:, None]


def movement(lips: LipEncoder, rows: np.ndarray) -> np.ndarray:
    """The mouth, float32 (frames, `visemes.ARTICULATORS`), of rows from `inputs`."""
    correction = apply(lips, rows)
    return np.maximum(rows[:, : correction.shape[1]] + correction, 0.0)


def sample(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What `predict` returned at some times, seconds (n,), linear between rows: (n, `visemes.ARTICULATORS`)."""
    position = np.clip(times / HOP, 0.0, len(rows) - 1.0)
    before = position.astype(np.int64)
    after = np.minimum(before + 1, len(rows) - 1)
    weight = (position - before)[:, None]
    return rows[before] * (1.0 - weight) + rows[after] * weight


@torch.inference_mode()
def apply(encoder: FaceEncoder, rows: np.ndarray) -> np.ndarray:
    """What a face encoder answers to each row (frames, inputs), float32 (frames, outputs), a piece at a time."""
    pieces = []
    for start in range(0, len(rows), _PIECE):
        first = max(start - _REACH, 0)
        piece = torch.from_numpy(np.ascontiguousarray(rows[first : start + _PIECE + _REACH].T))[None]
        pieces.append(encoder(piece)[0].T.numpy()[start - first :][:_PIECE])
    return np.concatenate(pieces)
