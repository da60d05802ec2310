"""How a person speaks, by their two audio encoders: what `speech.animate` uses, and its place in a .dgt file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ....errors import DGTalkerError
from ....rig import ARKIT_NAMES
from ....speech.animation import Mouth
from ....speech.front_end import Analysis
from ....speech.hearing.moments import OWN, RATE, Heard, sound_of
from ....speech.hearing.speaking import COLUMNS, NAMES, PIECE, mouth_of
from ....speech.progress import NO_PROGRESS, Stage
from .config import NavigationConfig
from .encoders import Encoders, inputs, windows
from .in_avatar import PREFIX, part
from .navigate import Navigation

_ABOUT = f"{PREFIX}about"
_FORMAT = "dgtalker navigation 1"
_AGAIN = "Train the head again."


@dataclass(frozen=True)
class Manner:
    """Two encoders, and what their α are in curves of sliders: those move the same blendshapes.

    Attributes:
        encoders: in their `eval` mode.
        expression: what αᵉ are of ARKit's expressions (k_e, 52).
        lips: what αˡ are (k_l, 52).
        config: of the training.
        sound: name of the features that they hear, `SoundInput.name`.
    """

    encoders: Encoders
    expression: Tensor
    lips: Tensor
    config: NavigationConfig

    names = NAMES
    sound = OWN

    @classmethod
    def of(cls, navigation: Navigation) -> Manner | None:
        """That of a trained person; None where the clip did not tell how they speak."""
        if navigation.encoders is None:
            return None
        said = navigation.blendshapes
        expression, lips = (torch.zeros(1, size) for size in said.sizes)
        by_expression = said.expression(said.joined(torch.eye(said.sizes[0]), lips.expand(said.sizes[0], -1)))
        by_lips = said.expression(said.joined(expression.expand(said.sizes[1], -1), torch.eye(said.sizes[1])))
        return cls(navigation.encoders.eval(), by_expression.detach(), by_lips.detach(), navigation.config)

    def curves(self, sound: Heard, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """Weights of `names` at each moment of a sound, 0 to 1, float32 (T, N), with open eyes."""
        pieces = []
        for start in range(0, len(sound), PIECE):
            progress.report(start / len(sound))
            window = windows(sound, np.arange(start, min(start + PIECE, len(sound))) / RATE)
            with torch.inference_mode():
                upper = self.encoders.expression(window, torch.zeros(len(window), 1)) @ self.expression
                curves = upper + self.encoders.lips(window) @ self.lips
            pieces.append(curves[:, COLUMNS].clamp(0, 1).numpy())
        return np.concatenate(pieces)

    def mouth(self, analysis: Analysis, progress: Stage = NO_PROGRESS) -> Mouth:
        """The motion of a recording as a function of time, as `speech.animate` takes it."""
        return mouth_of(analysis, sound_of(self.sound), self.curves, progress)

    def extras(self) -> dict[str, np.ndarray]:
        """`tensors` for `avatar.save`."""
        return {name: tensor.numpy() for name, tensor in self.tensors().items()}

    def tensors(self) -> dict[str, Tensor]:
        """What a file keeps, in half precision."""
        about = {"format": _FORMAT, "config": self.config.to_json(), "names": ARKIT_NAMES}
        result = {_ABOUT: torch.frombuffer(bytearray(json.dumps(about).encode()), dtype=torch.uint8)}
        state = {f"encoders.{name}": tensor for name, tensor in self.encoders.state_dict().items()}
        for name, tensor in {"expression": self.expression, "lips": self.lips, **state}.items():
            result[PREFIX + name] = tensor.detach().half().contiguous()
        return result

    @classmethod
    def from_bytes(cls, data: bytes) -> Manner:
        """That of `in_avatar.part`. Raises DGTalkerError for what is not."""
        try:
            return cls.from_tensors(safetensors.torch.load(data))
        except SafetensorError as error:
            raise DGTalkerError(f"The audio encoders cannot be read: {error}.", _AGAIN) from error

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Manner:
        """Raises DGTalkerError for what is not from `tensors`."""
        try:
            about = json.loads(tensors[_ABOUT].numpy().tobytes())
            if about["format"] != _FORMAT or tuple(about["names"]) != ARKIT_NAMES:
                raise DGTalkerError("The audio encoders are not of this version.", _AGAIN)
            config = NavigationConfig.from_json(about["config"])
            state = {name.removeprefix(PREFIX): x.float() for name, x in tensors.items() if name != _ABOUT}
            expression, lips = state.pop("expression"), state.pop("lips")
            encoders = Encoders(len(state["encoders.heard_mean"]), (len(expression), len(lips)), config)
            encoders.load_state_dict({name.removeprefix("encoders."): tensor for name, tensor in state.items()})
            if encoders.get_buffer("heard_mean").shape[0] != inputs(sound_of(OWN).width):
                raise ValueError("they hear other features")
            if any(each.ndim != 2 or each.shape[1] != len(ARKIT_NAMES) for each in (expression, lips)):
                raise ValueError("their curves are not ARKit's")
            return cls(encoders.eval(), expression, lips, config)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise DGTalkerError(f"The audio encoders cannot be read: {error}.", _AGAIN) from error


def of_avatar(data: bytes) -> Manner | None:
    """The manner in the bytes of a .dgt file; None where there is none.

    Raises:
        DGTalkerError: there is one, and it cannot be read.
    """
    own = part(data)
    return Manner.from_bytes(own) if own else None
