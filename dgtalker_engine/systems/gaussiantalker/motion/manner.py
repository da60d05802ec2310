"""How one person moves their mouth: an adapted translator that `speech.animate` uses, and its place in a .dgt file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from ....errors import DGTalkerError
from ....files import read_file, write_whole
from ....speech.animation import Mouth
from ....speech.front_end import Analysis
from ....speech.hearing.moments import RATE, Heard, SoundInput, sound_of
from ....speech.hearing.speaking import PIECE, mouth_of
from ....speech.progress import NO_PROGRESS, Stage
from .config import MotionConfig
from .in_avatar import PREFIX, part
from .model import ANYONE, MOTION_NAMES, MotionTranslator

SHIPPED = Path(__file__).with_name("motion.safetensors")
"""The base, trained over all clips."""

_ABOUT = f"{PREFIX}about"
_FORMAT = "dgtalker motion 1"
_LARGEST = 256 << 20
_AGAIN = "Train the head again, or make the base anew: python build.py train motion."


@dataclass(frozen=True)
class Manner:
    """A translator, one of its people, and the features that it hears.

    Attributes:
        translator: in its `eval` mode.
        person: row of its identity embedding.
        sound: name of the features, `SoundInput.name`.
        learned_from: names of the clips.
    """

    translator: MotionTranslator
    person: int
    sound: str
    learned_from: tuple[str, ...]

    names = MOTION_NAMES

    def curves(self, sound: Heard, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """Weights of `names` at each moment of a sound, 0 to 1, float32 (T, N)."""
        translator, config = self.translator, self.translator.config
        margin = config.layers * round(config.reach * RATE) + 8
        person = torch.tensor([self.person])
        pieces = []
        for start in range(0, len(sound), PIECE):
            progress.report(start / len(sound))
            first = max(start - margin, 0)
            rows = slice(first, start + PIECE + margin)
            phones, features = torch.from_numpy(sound.phones[rows]), torch.from_numpy(sound.sound[0, rows])
            with torch.inference_mode():
                motion, _ = translator(phones[None], features[None], person)
                curves = translator.curves(motion, person)[0]
            pieces.append(curves.clamp(0.0, 1.0).numpy()[start - first :][:PIECE])
        return np.concatenate(pieces)

    def mouth(self, analysis: Analysis, progress: Stage = NO_PROGRESS) -> Mouth:
        """The motion of a recording as a function of time, as `speech.animate` takes it."""
        return mouth_of(analysis, self._input(), self.curves, progress)

    def _input(self) -> SoundInput:
        known = sound_of(self.sound)
        if known.width != len(self.translator.get_buffer("sound_mean")):
            raise DGTalkerError(f"The motion model does not fit the sound features {self.sound}.", _AGAIN)
        return known

    def extras(self) -> dict[str, np.ndarray]:
        """`tensors` for `avatar.save`."""
        return {name: tensor.numpy() for name, tensor in self.tensors().items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a file keeps: half precision, of the embedding only `ANYONE` and the person."""
        people = [ANYONE] if self.person == ANYONE else [ANYONE, self.person]
        about = {
            "format": _FORMAT,
            "config": self.translator.config.to_json(),
            "names": self.names,
            "sound": self.sound,
            "learned_from": self.learned_from,
        }
        result = {_ABOUT: torch.frombuffer(bytearray(json.dumps(about).encode()), dtype=torch.uint8)}
        for name, tensor in self.translator.state_dict().items():
            kept = tensor[people] if name in ("identity.weight", "usual") else tensor
            result[PREFIX + name] = kept.half().contiguous()
        return result

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, torch.Tensor]) -> Manner:
        """Raises DGTalkerError for what is not from `tensors`."""
        try:
            about = json.loads(tensors[_ABOUT].numpy().tobytes())
            if about["format"] != _FORMAT or tuple(about["names"]) != MOTION_NAMES:
                raise DGTalkerError("The motion model is not of this version.", _AGAIN)
            config = MotionConfig.from_json(about["config"])
            state = {name.removeprefix(PREFIX): x.float() for name, x in tensors.items() if name != _ABOUT}
            people = len(state["usual"])
            translator = MotionTranslator(config, len(state["sound_mean"]), people - 1)
            translator.load_state_dict(state)
            learned_from = tuple(str(name) for name in about["learned_from"])
            return cls(translator.eval(), people - 1, str(about["sound"]), learned_from)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise DGTalkerError(f"The motion model cannot be read: {error}.", _AGAIN) from error

    @classmethod
    def from_bytes(cls, data: bytes) -> Manner:
        """That of a file of its own, or of `in_avatar.part`. Raises DGTalkerError for what is not."""
        try:
            return cls.from_tensors(safetensors.torch.load(data))
        except SafetensorError as error:
            raise DGTalkerError(f"The motion model cannot be read: {error}.", _AGAIN) from error


def save(manner: Manner, path: Path) -> None:
    """Writes a file of its own, for `load`."""
    write_whole(path, safetensors.torch.save(manner.tensors()))


def load(path: Path = SHIPPED) -> Manner:
    """The manner of a file that `save` wrote.

    Raises:
        DGTalkerError: the file is missing or not one of `save`.
    """
    return Manner.from_bytes(read_file(path, _LARGEST, "The motion model", _AGAIN))


def of_avatar(data: bytes) -> Manner | None:
    """The manner in the bytes of a .dgt file; None where there is none.

    Raises:
        DGTalkerError: there is one, and it cannot be read.
    """
    own = part(data)
    return Manner.from_bytes(own) if own else None
