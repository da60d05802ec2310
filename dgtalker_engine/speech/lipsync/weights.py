"""The trained encoders as a file: safetensors, in half precision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from ... import model_files
from ...files import write_whole
from .encoders import CHANNELS, ExpressionEncoder, LipEncoder, SoundEncoder

SHIPPED = Path(__file__).with_name("speech.safetensors")

_FORMAT = "dgtalker speech 3"
_AGAIN = "Install the engine again, or make the file with: python build.py train speech."


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """Everything that was learned.

    Attributes:
        sound: hears any language.
        scale: units of its movement, float32 (`encoders.CHANNELS`,).
        lips: moves the rig's lower half.
        expression: moves its upper half.
        clips: names of the videos that the lips learned from.
    """

    sound: SoundEncoder
    scale: np.ndarray
    lips: LipEncoder
    expression: ExpressionEncoder
    clips: tuple[str, ...]

    def _modules(self) -> dict[str, nn.Module]:
        return {"sound": self.sound, "lips": self.lips, "expression": self.expression}

    def save(self, path: Path) -> None:
        """Writes a file that `load` reads."""
        tensors = {"scale": torch.from_numpy(self.scale)}
        for name, module in self._modules().items():
            for key, tensor in module.state_dict().items():
                if tensor.is_floating_point():
                    tensors[f"{name}.{key}"] = tensor.half().contiguous()
        write_whole(path, save(tensors, {"format": _FORMAT, "clips": json.dumps(self.clips)}))

    @classmethod
    def load(cls, path: Path) -> Encoders:
        """Raises DGTalkerError for a file that is missing or not one of `save`."""
        with model_files.opened(path, "speech model", _FORMAT, _AGAIN) as (about, stored):
            tensors = {name: tensor.float() for name, tensor in stored.items()}
            result = cls(
                sound=SoundEncoder().eval(),
                scale=tensors.pop("scale").numpy().reshape(len(CHANNELS)),
                lips=LipEncoder().eval(),
                expression=ExpressionEncoder().eval(),
                clips=tuple(str(name) for name in json.loads(about["clips"])),
            )
            for name, module in result._modules().items():
                own = {k.removeprefix(f"{name}."): tensors.pop(k) for k in list(tensors) if k.startswith(f"{name}.")}
                counters = {key: value for key, value in module.state_dict().items() if not value.is_floating_point()}
                module.load_state_dict(counters | own)
        return result


@cache
def shipped() -> Encoders:
    """The encoders that come with the engine, read once."""
    return Encoders.load(SHIPPED)
