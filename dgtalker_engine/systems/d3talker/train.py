"""Trains a D³-Talker head from a clip of a few seconds."""

from __future__ import annotations

import torch
from torch import Tensor

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...gaussians import Gaussians
from ...speech.hearing.moments import OWN, Heard, hear, sound_of
from ...speech.progress import Stage
from ...training import Run
from ...training.bound_gaussians.training import RATES, BoundTraining, trained
from ...training.clip_frames import ClipFrames
from ...training.clip_sound import training_sound
from . import prior
from .config import D3TalkerConfig
from .fields import UNITS
from .model import D3Talker
from .motion import HALF_WIDTH
from .sound import ExpressionCode, SoundEncoder, windows

ENCODER_RATES = {"motion": 3e-5, "sound": 3e-5, "sliders": 3e-5, "said": 3e-5}
"""Of Adam. What begins as principal components or by regression stays near that: fields learn what there is left."""
FIELDS = (*ENCODER_RATES, "general", "individual")

_SCALED = 200  # frames


def train(config: D3TalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> tuple[D3Talker, ClipFrames]:
    """A head of the clip's person, and the frames that it was trained on.

    Args:
        config: of the training.
        clip: captured and fitted.
        face_model: that it was fitted with.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        DGTalkerError: the clip is too short or damaged, or the checkpoint is of another training.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    shared = prior.chosen(config, face_model)
    frames = ClipFrames(clip, face_model, share=config.share, progress=lambda _: run.check())
    samples, rate = training_sound(clip, frames.split)
    heard = None
    if config.individual and len(samples):
        heard = hear(samples, rate, sound_of(OWN), progress=Stage(lambda *_: run.check()))
    return train_frames(config, frames, heard, run, shared), frames


def train_frames(
    config: D3TalkerConfig, frames: ClipFrames, heard: Heard | None, run: Run, shared: dict[str, Tensor] | None = None
) -> D3Talker:
    """`train` for frames that are prepared.

    Args:
        config: of the training.
        frames: of the clip.
        heard: the sound up to the test frames; None: it is mute.
        run: where the checkpoint is, who is told and shown what.
        shared: of `prior.chosen`, to begin with.
    """
    return trained(lambda: Training(config, frames, heard, shared), run)


class Training(BoundTraining[D3TalkerConfig, D3Talker]):
    """One training; arguments as those of `train_frames`.

    Attributes:
        general: δ_G of the last frame (P, 12).
        individual_code: of the last frame (code,).
        terms: of the loss, of the last frame.
    """

    late = FIELDS
    general: Tensor
    individual_code: Tensor | None

    def __init__(
        self,
        config: D3TalkerConfig,
        frames: ClipFrames,
        heard: Heard | None,
        shared: dict[str, Tensor] | None = None,
    ) -> None:
        self.heard, self.shared = heard, shared
        self.terms: dict[str, Tensor] = {}
        super().__init__(config, frames)

    def prepare(self) -> None:
        config, training = self.config, list(self.frames.split.training)
        self.rates = {**RATES, **ENCODER_RATES, "general": config.field_rate, "individual": config.field_rate}
        self.individual = None
        if self.heard is None or not self.heard.speaking.any():
            return
        self.windows = windows(self.heard, self.frames.tracks.times[training])
        self.expressions = torch.from_numpy(self.frames.tracks.expression[training]).float()
        encoder = SoundEncoder(self.windows.shape[2], config.code, config.sound_dropout)
        sliders = ExpressionCode(self.expressions, config.code)
        encoder.begin(self.windows, sliders(self.expressions), sliders.said().weight)
        self.individual = encoder, sliders

    def made(self) -> D3Talker:
        frames = self.frames
        model = D3Talker(self.config, frames.face_model, frames.template, self.seeds, self.individual)
        model.motion.set_scale(model.maps(self.shown()))
        if self.shared is not None:
            prior.start_from(model, self.shared)
        return model

    def shown(self) -> Tensor:
        """The face model's vertices in frames by which the motion's units are set (T, V, 3)."""
        return torch.stack([self.frames.vertices(index) for index in self.frames.spread(_SCALED)])

    def posed(self, index: int, number: int, turn: Tensor | None) -> tuple[Gaussians, Tensor]:
        model, frames, vertices = self.model, self.frames, self.frames.vertices(index)
        # every other time as a face that stands still, as sliders pose it
        moving = number % 4 >= 2
        last = frames.split.training[-1]
        around = range(index - HALF_WIDTH, index + HALF_WIDTH + 1) if moving else (index,)
        motion = torch.stack([frames.vertices(min(max(i, 0), last)) for i in around])
        self.terms = {}
        self.individual_code = None if self.individual is None else self._individual(index, number)
        self.general = model.general(model.motion(model.maps(motion), turn))
        change = self.general
        if model.individual is not None:
            assert self.individual_code is not None
            change = change + model.individual(self.individual_code)
        size = change / UNITS
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
        wanted = model.sliders.standard(self.expressions[batch])
        said = [(model.said(code) - wanted[: len(code)]).square().mean() for code in (by_sound, by_sliders[None])]
        alike = (by_sound[0] - by_sliders.detach()).square().mean()
        self.terms["said"] = self.config.said_weight * (said[0] + said[1] + alike)
        return by_sound[0] if number % 2 else by_sliders

    def own_losses(self) -> dict[str, Tensor]:
        return self.terms
