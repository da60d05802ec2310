"""The trained encoders as a file: safetensors, in half precision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ...errors import DGTalkerError
from ...files import write_whole
from .encoders import CHANNELS, ExpressionEncoder, LipEncoder, SoundEncoder

SHIPPED = Path(__file__).with_name("speech.safetensors")

_FORMAT = "dgtalker speech 1"
_AGAIN = "Install the engine again, or make the file with: python build.py train speech."


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """Everything that was learned.

    Attributes:
        sound: hears any language.
        scale: units of its movement, float32 (`encoders.CHANNELS`,).
        lips: moves the rig's lower half.
        expression: moves its upper half.
        clips: names of the videos that the last two learned from.
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
        if not path.is_file():
            raise DGTalkerError(f"The speech model {path} is missing.", _AGAIN)
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
                if about.get("format") != _FORMAT:
                    raise DGTalkerError(f"{path} is no speech model of this version.", _AGAIN)
                tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (no mapping)
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
        except (SafetensorError, RuntimeError, KeyError, ValueError, OSError) as error:
            raise DGTalkerError(f"The speech model {path} cannot be read: {error}", _AGAIN) from error
        return result


@cache
def shipped() -> Encoders:
    """The encoders that come with the engine, read once."""
    return Encoders.load(SHIPPED)
