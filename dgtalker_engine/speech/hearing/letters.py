"""What a recogniser with CTC reads in a sound: the text that the audio encoder must keep (eq. 3)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch

from ..lipsync.spectrum import HOP
from ..sound import RATE

_PIECE = 20.0
"""Seconds of sound that the recogniser is given at once."""


class Letters:
    """A wav2vec 2.0, HuBERT or WavLM with the layer that spells, which the user has."""

    def __init__(self, model: Any) -> None:
        """Takes a model for CTC of `transformers`."""
        self._model = model.eval()
        self.blank = int(model.config.pad_token_id)

    @classmethod
    def of(cls, source: str) -> Self | None:
        """That of a folder or a name on the hub, as `PretrainedFeatures` takes it; None where it does not spell."""
        from transformers import AutoConfig, AutoModelForCTC

        named = AutoConfig.from_pretrained(source).architectures or []
        if not any(name.endswith("ForCTC") for name in named):
            return None
        return cls(AutoModelForCTC.from_pretrained(source))

    @torch.inference_mode()
    def extract(self, samples: np.ndarray) -> np.ndarray:
        """Probabilities of letters every `spectrum.HOP`, float32 (len(samples) // 160 + 1, letters)."""
        frames, step, piece = len(samples) // int(HOP * RATE) + 1, int(HOP * RATE), int(_PIECE * RATE)
        parts = []
        for start in range(0, len(samples), piece):
            block = samples[start : start + piece].astype(np.float32)
            block = np.pad((block - block.mean()) / (block.std() + 1e-5), (0, max(RATE // 10 - len(block), 0)))
            chances = self._model(torch.from_numpy(block)[None]).logits[0].softmax(-1).numpy()
            # Which letter is spelled is not to be mixed from two.
            rows = np.arange(start // step, min((start + piece) // step, frames))
            middle = ((rows * step - start) / len(block) * len(chances)).astype(int)
            parts.append(chances[np.minimum(middle, len(chances) - 1)])
        return np.concatenate(parts)
