"""What Whisper hears, for lips: halfway up its encoder tells sounds apart in any language (docs/speech_model.md)."""

from __future__ import annotations

import numpy as np
import torch

from ..progress import NO_PROGRESS, Stage
from ..sound import RATE
from . import model
from .encoder import HOP, STEP, WIDTH, WhisperEncoder, log_mel

LONGEST = 9.0
"""Seconds that one run of the encoder answers for: each moment looks at all others, so that longer ones cost more."""

_PIECE, _EDGE = int(LONGEST * RATE / HOP / STEP), 50
"""Answers that are taken of one run, and of those before and after them that it hears besides."""


class WhisperFeatures:
    """The encoder's lower layers as `lipsync.features.Features`: a row (WIDTH,) every `HOP` samples."""

    width = WIDTH

    def __init__(self, encoder: WhisperEncoder) -> None:
        self._encoder = encoder

    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        return self.stretch(samples, 0, len(samples) // HOP + 1, progress)

    @torch.inference_mode()
    def stretch(self, samples: np.ndarray, first: int, last: int, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """The rows `first` to before `last`; of a stretch of up to `LONGEST`, the encoder runs once."""
        hop = STEP * HOP
        count = len(samples) // hop + 1
        begin, end = first // STEP, min((last - 1) // STEP + 2, count)
        halves = np.empty((end - begin, WIDTH), np.float32)
        for start in range(begin, end, _PIECE):
            progress.report((start - begin) / (end - begin))
            stop = min(start + _PIECE, end)
            near, far = max(start - _EDGE, 0), min(stop + _EDGE, count)
            sound = samples[near * hop : far * hop].astype(np.float32)
            sound = np.pad(sound, (0, (far - near) * hop - len(sound)))
            answers = self._encoder.lower(log_mel(sound))
            halves[start - begin : stop - begin] = answers[start - near : stop - near].numpy()
        # Those between are the means of their neighbours.
        position = np.minimum(np.arange(first, last) / STEP - begin, len(halves) - 1)
        lower = position.astype(np.int64)
        upper = np.minimum(lower + 1, len(halves) - 1)
        weight = (position - lower)[:, None].astype(np.float32)
        return halves[lower] * (1.0 - weight) + halves[upper] * weight


def installed() -> WhisperFeatures:
    """Those of the model among the engine's packages.

    Raises:
        DGTalkerError: it is missing, or another one.
    """
    return WhisperFeatures(model.installed().encoder)
