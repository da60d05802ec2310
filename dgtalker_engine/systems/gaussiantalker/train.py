"""Trains a GaussianTalker head from a clip: the Dynamic Gaussian Renderer, section 3.3.4."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...gaussians import Gaussians
from ...training import Run
from ...training.bound_gaussians.training import RATES, BoundTraining, trained
from ...training.checkpoints import Parts
from ...training.clip_frames import ClipFrames
from ...training.latent_pose import LatentPose, motion
from . import losses
from .config import GaussianTalkerConfig
from .model import BY_LATENT, GaussianTalker

_RATES = RATES | {"blend_positions": 1.5e-5, "blend_rotations": 1e-3, "blend_colours": 4e-3, "latent": 1e-4}


def train(config: GaussianTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> GaussianTalker:
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
    return train_frames(config, frames, run)


def train_frames(config: GaussianTalkerConfig, frames: ClipFrames, run: Run) -> GaussianTalker:
    """`train` for frames that are prepared."""
    return trained(lambda: _Training(config, frames), run)


class FaceTuning(nn.Module):
    """What is added to the frames' expression (T, E) and joints' pose (T, J, 3): fine-tuning of face parameters."""

    def __init__(self, frames: ClipFrames) -> None:
        super().__init__()
        self.expression = nn.Parameter(torch.zeros(frames.tracks.expression.shape))
        self.pose = nn.Parameter(torch.zeros(frames.tracks.pose.shape))


class _Training(BoundTraining[GaussianTalkerConfig, GaussianTalker]):
    late = (*BY_LATENT, "latent", "tuning")

    def prepare(self) -> None:
        config, training = self.config, self.frames.split.training
        self.rates = _RATES | {"tuning": config.tune_rate}
        self.tuning = FaceTuning(self.frames) if config.tune_face else None
        self.latent = None
        size = config.latent_size(len(training))
        if size:
            turns = torch.stack([self.frames.turn(index) for index in training]) if config.blend_turn else None
            inputs, mlp = motion(self.frames), config.latent == "mlp"
            self.latent = LatentPose(inputs, size, turns=turns, mlp=mlp, bound=config.latent_bound)

    def made(self) -> GaussianTalker:
        return GaussianTalker(self.config, self.frames.face_model, self.seeds, self.latent)

    def posed(self, index: int, number: int, turn: Tensor | None) -> tuple[Gaussians, Tensor]:
        vertices, expression, joint_pose = self._face(index)
        return self.model.pose_on(vertices, expression, joint_pose, turn), vertices

    def own_losses(self) -> dict[str, Tensor]:
        return {} if self.latent is None else losses.blendshape_loss(self.model, self.config)

    @property
    def parts(self) -> Parts:
        return super().parts if self.tuning is None else {**super().parts, "tuning": self.tuning}

    def part(self, name: str) -> nn.Module | nn.Parameter | None:
        return self.tuning if name == "tuning" else super().part(name)

    def _face(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Vertices, expression and joints' pose of a frame, with its tuning."""
        expression, pose = self.frames.expression(index), self.frames.joint_pose(index)
        if self.tuning is None:
            return self.frames.vertices(index), expression, pose
        expression, pose = expression + self.tuning.expression[index], pose + self.tuning.pose[index]
        vertices = self.frames.face_model.vertices(expression[:0], expression, pose)
        return vertices, expression.detach(), pose.detach()
