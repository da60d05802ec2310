"""Trains a D³-Talker head from a clip of a few seconds."""

from __future__ import annotations

import torch
from torch import Tensor

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...gaussians import Gaussians
from ...speech.hearing.moments import OWN, Heard, hear, sound_of
from ...training import Run
from ...training.bound_gaussians.training import RATES, BoundTraining, prepared
from ...training.clip_frames import ClipFrames
from ...training.clip_sound import training_sound
from .config import D3TalkerConfig
from .model import D3Talker
from .motion import HALF_WIDTH
from .sound import ExpressionCode, SoundEncoder, windows

_FIELDS = ("motion", "general", "sound", "sliders", "said", "individual")


def train(config: D3TalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> D3Talker:
    """A head of the clip's person.

    Args:
        config: of the training.
        clip: captured and fitted.
        face_model: that it was fitted with.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        DGTalkerError: the clip is too short or damaged, or the checkpoint is of another training.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    frames = ClipFrames(clip, face_model, share=config.share, progress=lambda _: run.check())
    samples, rate = training_sound(clip, frames.split)
    heard = None
    if config.individual and len(samples):
        heard = hear(samples, rate, sound_of(OWN))
    return train_frames(config, frames, heard, run)


def train_frames(config: D3TalkerConfig, frames: ClipFrames, heard: Heard | None, run: Run) -> D3Talker:
    """`train` for frames that are prepared, and what is heard of the training part; None: it is mute."""

    class Training(_Training):
        sound = heard

    return prepared(Training, config, frames, run)


class _Training(BoundTraining[D3TalkerConfig, D3Talker]):
    late = _FIELDS
    sound: Heard | None = None

    def prepare(self) -> None:
        config, training = self.config, list(self.frames.split.training)
        self.rates = {**RATES, **dict.fromkeys(_FIELDS, config.field_rate)}
        self.individual = None
        if self.sound is None or not self.sound.speaking.any():
            return
        self.windows = windows(self.sound, self.frames.tracks.times[training])
        expressions = torch.from_numpy(self.frames.tracks.expression[training]).float()
        encoder = SoundEncoder(self.windows.shape[2], config.code, config.sound_dropout)
        encoder.set_scale(self.windows)
        sliders = ExpressionCode(expressions.mean(dim=0), expressions.std(dim=0), config.code)
        self.individual = encoder, sliders
        self.expressions = (expressions - sliders.mean) / sliders.deviation

    def made(self) -> D3Talker:
        return D3Talker(self.config, self.frames.face_model, self.frames.template, self.seeds, self.individual)

    def posed(self, index: int, number: int, turn: Tensor | None) -> tuple[Gaussians, Tensor]:
        model, frames, vertices = self.model, self.frames, self.frames.vertices(index)
        # every other time as a face that stands still, as sliders pose it
        moving = number % 4 >= 2
        last = frames.split.training[-1]
        around = range(index - HALF_WIDTH, index + HALF_WIDTH + 1) if moving else (index,)
        motion = torch.stack([frames.vertices(min(max(i, 0), last)) for i in around])
        general = model.motion(model.maps(motion), turn)
        self.terms: dict[str, Tensor] = {}
        individual = self._individual(index, number) if self.individual is not None else None
        change = model.deformation(general, individual)
        size = change / change.new_tensor([2e-3] * 3 + [0.1] * 6 + [0.2] * 3)
        self.terms["motion"] = self.config.motion_weight * size.abs().mean()
        self.terms["fields"] = self.config.decay * size.square().mean()
        return model.deformed(vertices, change), vertices

    def _individual(self, index: int, number: int) -> Tensor:
        """The individual code of a frame, by turns the sound's and what takes its place: both say its mouth."""
        model = self.model
        assert model.sound is not None
        assert model.sliders is not None
        assert model.said is not None
        row = index - self.frames.split.training[0]
        batch = torch.randint(len(self.windows), (32,))
        batch[0] = row
        by_sound = model.sound(self.windows[batch])
        by_sliders = model.sliders(self.frames.expression(index)[None])[0]
        said = [(model.said(code) - wanted).square().mean() for code, wanted in
                ((by_sound, self.expressions[batch]), (by_sliders, self.expressions[row]))]  # fmt: skip
        alike = (by_sliders - by_sound[0].detach()).square().mean()
        self.terms["said"] = self.config.said_weight * (said[0] + said[1] + alike)
        return by_sound[0] if number % 2 else by_sliders

    def own_losses(self) -> dict[str, Tensor]:
        return self.terms
