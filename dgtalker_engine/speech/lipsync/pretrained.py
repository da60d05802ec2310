"""Features of large models that others trained, where the user has their weights."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from ...errors import DGTalkerError
from ..progress import NO_PROGRESS, Stage
from ..sound import RATE
from .spectrum import HOP

# Seconds of sound that a model is given at once, and of those on either side that are thrown away.
_PIECE, _EDGE = 20.0, 1.0
_KINDS = ("wav2vec2", "hubert", "wavlm")


class PretrainedFeatures:
    """Hidden states of wav2vec 2.0, HuBERT or WavLM, which the user has as a folder or by a name on the hub."""

    def __init__(self, source: str, layer: int | None = None) -> None:
        """Loads the weights, once.

        Args:
            source: a folder with ``config.json`` and the weights, as `transformers` saves them, or a name such as
                ``facebook/wav2vec2-base``, which `transformers` finds among what was downloaded or downloads.
            layer: whose output is used; two thirds of the way up when none is given, where phones are clearest.

        Raises:
            DGTalkerError: `transformers` is missing, or there is no such model, or one of another kind.
        """
        try:
            from transformers import AutoConfig, AutoModel
        except ImportError as error:
            raise DGTalkerError(
                "Features of pre-trained models need the package transformers.",
                "Install transformers into the engine's environment; the repository's own (workshop) has it.",
            ) from error
        how = "Give a folder with config.json and model.safetensors, or a name on the hub and the internet."
        if not Path(source).is_dir() and not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source):
            raise DGTalkerError(f"There is no folder {source} with a pre-trained model.", how)
        try:
            config = AutoConfig.from_pretrained(source)
            if config.model_type not in _KINDS:
                raise DGTalkerError(
                    f"{source} is a {config.model_type} model.", f"Give one of these kinds: {', '.join(_KINDS)}."
                )
            self._model = AutoModel.from_pretrained(source, config=config).eval()
        except (OSError, ValueError) as error:
            raise DGTalkerError(f"The pre-trained model {source} cannot be loaded: {error}", how) from error
        depth = int(config.num_hidden_layers)
        self._layer = round(depth * 2 / 3) if layer is None else layer
        if not 0 <= self._layer <= depth:
            raise DGTalkerError(f"{source} has no layer {self._layer}.", f"Give 0 to {depth}.")
        self.width = int(config.hidden_size)

    @torch.inference_mode()
    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        frames = len(samples) // int(HOP * RATE) + 1
        result = np.zeros((frames, self.width), np.float32)
        piece, edge = int(_PIECE * RATE), int(_EDGE * RATE)
        for start in range(0, len(samples), piece):
            progress.report(start / len(samples))
            first = max(start - edge, 0)
            block = samples[first : start + piece + edge].astype(np.float32)
            block = np.pad((block - block.mean()) / (block.std() + 1e-5), (0, max(RATE // 10 - len(block), 0)))
            answer = self._model(torch.from_numpy(block)[None], output_hidden_states=True)
            states = answer.hidden_states[self._layer][0].numpy()
            # States stand at the middles of equal parts of the sound.
            middle = (np.arange(len(states)) + 0.5) * len(block) / len(states) / RATE + first / RATE
            rows = np.arange(start // int(HOP * RATE), min((start + piece) // int(HOP * RATE), frames - 1) + 1)
            position = np.clip(np.interp(rows * HOP, middle, np.arange(len(states))), 0, len(states) - 1)
            lower = np.floor(position).astype(int)
            weight = (position - lower)[:, None].astype(np.float32)
            upper = np.minimum(lower + 1, len(states) - 1)
            result[rows] = states[lower] * (1 - weight) + states[upper] * weight
        return result
