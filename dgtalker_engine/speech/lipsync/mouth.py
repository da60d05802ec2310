"""The learned mouth: what the lip encoder is given of a recording, and the movement that it predicts."""

from __future__ import annotations

import numpy as np
import torch

from ..analysis.pauses import LEAD
from ..front_end import Analysis
from ..progress import NO_PROGRESS, Stage
from ..visemes import ARTICULATORS
from ..whisper import features as whisper
from ..whisper.features import WhisperFeatures
from . import articulation
from .encoders import LIP_INPUTS, FaceEncoder, LipEncoder
from .features import PhoneFeatures
from .spectrum import HOP
from .weights import Encoders, shipped

__all__ = ["LipInputs", "apply", "inputs", "movement", "predict", "sample", "shipped"]

_LEAD = LEAD - 0.04
"""Seconds before a pause's end from which inputs count: lips, which see 80 ms ahead, part earlier than that."""

_FADE = 20
"""Frames in which one piece gives way to the next: what Whisper says of a moment depends on where in a run it is."""

_PIECE = int(whisper.LONGEST / HOP) - 60
"""Frames at once, for which Whisper runs once: of two hours of sound, its numbers would take a gigabyte."""


def predict(encoders: Encoders, analysis: Analysis, progress: Stage = NO_PROGRESS) -> np.ndarray:
    """The mouth of a recording: float32 (len(samples) // 160 + 1, `visemes.ARTICULATORS`), a row every `spectrum.HOP`.

    Args:
        encoders: whose mouth it is.
        analysis: of the recording.
        progress: of the whole.

    Raises:
        DGTalkerError: Whisper's model is not among the engine's packages.
    """
    inputs = LipInputs(analysis, whisper.installed(), progress.stage(0.0, 0.3))
    result = np.empty((inputs.frames, len(ARTICULATORS)), np.float32)
    reach = encoders.lips.reach
    # Runs are small: threads of a busy machine that wait for each other take ten times as long as one.
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for start in range(0, inputs.frames, _PIECE):
            progress.report(0.3 + 0.7 * start / inputs.frames)
            begin, stop = max(start - _FADE, 0), min(start + _PIECE, inputs.frames)
            first = max(begin - reach, 0)
            rows = inputs.rows(first, min(stop + reach, inputs.frames))
            piece = movement(encoders.lips, rows)[begin - first :][: stop - begin]
            before = np.linspace(1.0, 0.0, start - begin, dtype=np.float32)[:, None]
            piece[: start - begin] += before * (result[begin:start] - piece[: start - begin])
            result[begin:stop] = piece
    finally:
        torch.set_num_threads(usual)
    return result


def inputs(analysis: Analysis, features: WhisperFeatures, progress: Stage = NO_PROGRESS) -> np.ndarray:
    """What the lip encoder is given of a whole recording, see `LipInputs.rows`."""
    every = LipInputs(analysis, features, progress)
    return every.rows(0, every.frames)


class LipInputs:
    """What the lip encoder is given of a recording, a stretch at a time."""

    def __init__(self, analysis: Analysis, features: WhisperFeatures, progress: Stage = NO_PROGRESS) -> None:
        """Takes a recording's analysis; `progress` is of the rules' movement, which is found at once."""
        phone_features = PhoneFeatures(analysis.phones, analysis.syllables, analysis.duration)
        self._by_rules = phone_features.extract(analysis.samples, progress)
        self._analysis, self._features = analysis, features
        self.frames = len(self._by_rules)

    def rows(self, first: int, last: int) -> np.ndarray:
        """The frames `first` to before `last`, float32 (n, `encoders.LIP_INPUTS`).

        All of it fades where the mouth rests.
        """
        talking = self._analysis.talking(np.arange(first, last) * HOP, _LEAD).astype(np.float32)[:, None]
        if not talking.any():
            return np.zeros((last - first, LIP_INPUTS), np.float32)
        heard = self._features.stretch(self._analysis.samples, first, last)
        return np.concatenate([self._by_rules[first:last], heard, np.ones_like(talking)], axis=1) * talking


def movement(lips: LipEncoder, rows: np.ndarray) -> np.ndarray:
    """The mouth, float32 (frames, `visemes.ARTICULATORS`), of rows from `inputs`."""
    return articulation.reached(rows[:, : len(ARTICULATORS)], apply(lips, rows))


def sample(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What `predict` returned at some times, seconds (n,), linear between rows: (n, `visemes.ARTICULATORS`)."""
    position = np.clip(times / HOP, 0.0, len(rows) - 1.0)
    before = position.astype(np.int64)
    after = np.minimum(before + 1, len(rows) - 1)
    weight = (position - before)[:, None]
    return rows[before] * (1.0 - weight) + rows[after] * weight


@torch.inference_mode()
def apply(encoder: FaceEncoder, rows: np.ndarray) -> np.ndarray:
    """What a face encoder answers to each row (frames, inputs), float32 (frames, outputs)."""
    return encoder(torch.from_numpy(np.ascontiguousarray(rows.T))[None])[0].T.numpy()
