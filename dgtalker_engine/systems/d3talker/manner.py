"""How a person speaks, by the encoder of their individual field: for `speech.animate`, and in a .dgt file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES
from ...speech.animation import Mouth
from ...speech.front_end import Analysis
from ...speech.hearing.moments import OWN, RATE, Heard, sound_of
from ...speech.hearing.speaking import COLUMNS, NAMES, PIECE, mouth_of
from ...speech.progress import NO_PROGRESS, Stage
from .in_avatar import PREFIX
from .model import D3Talker
from .sound import SoundEncoder, inputs, windows

_ABOUT = f"{PREFIX}about"
_FORMAT = "d3talker individual 1"
_AGAIN = "Train the head again."


@dataclass(frozen=True)
class Manner:
    """A sound encoder, and what its code says of ARKit's expressions.

    Attributes:
        encoder: in its `eval` mode.
        said: of a code (code,): a linear layer to (52,).
    """

    encoder: SoundEncoder
    said: nn.Linear

    names = NAMES
    sound = OWN

    @classmethod
    def of(cls, model: D3Talker) -> Manner | None:
        """That of a trained head; None where the clip did not tell how they speak."""
        if model.sound is None or model.said is None or model.sliders is None:
            return None
        said = nn.Linear(model.said.in_features, model.said.out_features)
        with torch.no_grad():
            said.weight.copy_(model.said.weight * model.sliders.deviation[:, None])
            said.bias.copy_(model.said.bias * model.sliders.deviation + model.sliders.mean)
        return cls(model.sound.eval(), said.eval())

    def curves(self, sound: Heard, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """Weights of `names` at each moment of a sound, 0 to 1, float32 (T, N), with open eyes."""
        pieces = []
        for start in range(0, len(sound), PIECE):
            progress.report(start / len(sound))
            with torch.inference_mode():
                code = self.encoder(windows(sound, np.arange(start, min(start + PIECE, len(sound))) / RATE))
                pieces.append(self.said(code)[:, COLUMNS].clamp(0, 1).numpy())
        return np.concatenate(pieces)

    def mouth(self, analysis: Analysis, progress: Stage = NO_PROGRESS) -> Mouth:
        """The motion of a recording as a function of time, as `speech.animate` takes it."""
        return mouth_of(analysis, sound_of(self.sound), self.curves, progress)

    def extras(self) -> dict[str, np.ndarray]:
        """What a file keeps, for `avatar.save`: weights in half precision."""
        about = {"format": _FORMAT, "names": ARKIT_NAMES}
        result = {_ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8)}
        for name, module in (("encoder", self.encoder), ("said", self.said)):
            for each, tensor in module.state_dict().items():
                result[f"{PREFIX}{name}.{each}"] = tensor.detach().half().contiguous().numpy()
        return result

    @classmethod
    def from_bytes(cls, data: bytes) -> Manner:
        """That of `in_avatar.part`. Raises DGTalkerError for what is not."""
        try:
            return cls._from_tensors(safetensors.torch.load(data))
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise DGTalkerError(f"How the head's person speaks cannot be read: {error}.", _AGAIN) from error

    @classmethod
    def _from_tensors(cls, tensors: Mapping[str, Tensor]) -> Manner:
        about = json.loads(tensors[_ABOUT].numpy().tobytes())
        if about["format"] != _FORMAT or tuple(about["names"]) != ARKIT_NAMES:
            raise ValueError("it is not of this version")
        state = {name.removeprefix(PREFIX): each.float() for name, each in tensors.items() if name != _ABOUT}
        width, code = len(state["encoder.mean"]), state["said.weight"].shape[1]
        if width != inputs(sound_of(OWN).width):
            raise ValueError("it hears other features")
        encoder, said = SoundEncoder(width, code, 0.0), nn.Linear(code, len(ARKIT_NAMES))
        for module, name in ((encoder, "encoder."), (said, "said.")):
            own = {each.removeprefix(name): tensor for each, tensor in state.items() if each.startswith(name)}
            module.load_state_dict(own)
        return cls(encoder.eval(), said.eval())
