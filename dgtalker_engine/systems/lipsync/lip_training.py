"""Fits the lip encoder: what is found in the sound in, the mouths of tracked clips out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...capture.lip_tracks import TrackedClip
from ...errors import DGTalkerError
from ...speech import front_end
from ...speech.lipsync import articulation, mouth
from ...speech.lipsync.encoders import CHANNELS, LIP_INPUTS, LIP_TAPS, LipEncoder
from ...speech.visemes import ARTICULATORS
from ...speech.whisper.encoder import WIDTH
from ...speech.whisper.features import WhisperFeatures
from . import ridge
from .config import LipsyncConfig

_OPEN = 1.5
"""How far lips are open on average in speech, in standard deviations of their opening (1.1 to 2.1 in real clips)."""

_WHISPER = slice(len(CHANNELS), len(CHANNELS) + WIDTH)
_SPEAKING = LIP_INPUTS - 1

NEEDED = 40
"""Pictures in speech that a clip must have to be learned from."""


@dataclass(frozen=True)
class LipSample:
    """A clip, and what the lip encoder is given of it.

    Attributes:
        clip: the tracked one.
        rows: `mouth.inputs`, a row every `spectrum.HOP`.
        in_speech: which of the clip's pictures lie in speech (n,).
    """

    clip: TrackedClip
    rows: np.ndarray
    in_speech: np.ndarray


def sample_of(clip: TrackedClip, whisper: WhisperFeatures) -> LipSample:
    """What the lip encoder is given of a clip's sound."""
    analysis = front_end.analyse(clip.samples, clip.sample_rate, processes=1)
    return LipSample(clip, mouth.inputs(analysis, whisper), analysis.in_speech(clip.times))


def check(clips: Sequence[TrackedClip]) -> None:
    """Whether `fit` can learn from some clips: in a moment, before the hours that come first.

    Raises:
        DGTalkerError: none has enough speech.
    """
    in_speech = []
    for clip in clips:
        analysis = front_end.analyse(clip.samples, clip.sample_rate, phones_known=[])
        in_speech.append(int(analysis.in_speech(clip.times).sum()))
    _check(clips, in_speech)


def _check(clips: Sequence[TrackedClip], in_speech: Sequence[int]) -> None:
    if max(in_speech, default=0) < NEEDED:
        counts = [f"{clip.name} has {count}" for clip, count in zip(clips, in_speech, strict=True)]
        raise DGTalkerError(
            f"The lips cannot be learned: no clip has {NEEDED} pictures of a face that speaks "
            f"({', '.join(counts) or 'there are none'}).",
            f"Give clips with at least {NEEDED / 25:.1f} s of speech at 25 pictures a second, and sound that is heard.",
        )


def fit(samples: Sequence[LipSample], config: LipsyncConfig) -> LipEncoder:
    """The encoder of least squares for some clips, of which those with hardly any speech are left out.

    Tracked lips say how far they are open and how wide, in units of their own: their mean and deviation in the clip.
    What is learned is both in these units, from what is usual of Whisper's numbers in the clips (`_principal`); the
    rules' deviation in millimetres then is the mouth's. All of that is linear, and so is the encoder.

    Raises:
        DGTalkerError: no clip has enough speech.
    """
    _check([each.clip for each in samples], [int(each.in_speech.sum()) for each in samples])
    samples = [each for each in samples if each.in_speech.sum() >= NEEDED]
    principal = _principal([each.rows for each in samples], config.lip_components)
    pairs = [_windows_and_targets(each, principal) for each in samples]
    learned = ridge.solve(pairs, stiffness=config.lip_stiffness, free=[principal.shape[1] - 1])
    # Least squares predicts too little movement where it is unsure: as much as tracked lips have is wanted.
    predicted = [np.einsum("nit,oit->no", windows, learned) for windows, _ in pairs]
    learned /= np.mean([each.std(axis=0) for each in predicted], axis=0)[:, None, None] + 1e-9

    now = LIP_TAPS // 2
    rules = [_millimetres(windows[:, :, now]) for windows, _ in pairs]
    size = np.mean([each.std(axis=0) for each in rules], axis=0)
    weights = size[:, None, None] * np.einsum("ip,opt->oit", principal, learned)
    weights[:, _SPEAKING, now] += [_OPEN * size[0], np.mean([each[:, 1].mean() for each in rules])]
    encoder = LipEncoder().eval()
    ridge.set_weights(encoder, weights)
    return encoder


def _millimetres(inputs: np.ndarray) -> np.ndarray:
    """How far the rules open the lips and widen the mouth, contacts included, float64 (n, 2)."""
    result = articulation.lips(inputs[:, : len(ARTICULATORS)])
    result[:, 0] *= 1.0 - inputs[:, CHANNELS.index("closure")]
    return result


def _principal(recordings: Sequence[np.ndarray], components: int) -> np.ndarray:
    """The rules' movement, principal components of Whisper's numbers in speech, and 1 there, as linear functions of
    `mouth.inputs` (inputs, outputs): minutes of faces teach too little to tell hundreds of numbers apart."""
    heard = np.concatenate([rows[rows[:, _SPEAKING] > 0.99, _WHISPER] for rows in recordings]).astype(np.float64)
    mean, spread = heard.mean(axis=0), heard.std(axis=0) + 1e-6
    _, vectors = np.linalg.eigh(np.cov(((heard - mean) / spread).T))
    directions = vectors[:, ::-1][:, :components] / spread[:, None]
    result = np.zeros((LIP_INPUTS, len(CHANNELS) + directions.shape[1] + 1))
    result[: len(CHANNELS), : len(CHANNELS)] = np.eye(len(CHANNELS))
    result[_WHISPER, len(CHANNELS) : -1] = directions
    # What is usual is taken away, as far as somebody speaks.
    result[_SPEAKING, len(CHANNELS) : -1] = -mean @ directions
    result[_SPEAKING, -1] = 1.0
    return result


def _windows_and_targets(sample: LipSample, principal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each picture in speech what `ridge` is given, and how far its lips are open and wide (n, 2), as z-scores."""
    tracked = np.stack([sample.clip.opening, sample.clip.width], axis=1)[sample.in_speech]
    spread = tracked.std(axis=0) + 1e-9
    windows = ridge.context_windows(sample.rows @ principal, sample.clip.times[sample.in_speech], LIP_TAPS)
    return windows, (tracked - tracked.mean(axis=0)) / spread
