"""Trains a GaussianTalker head from a clip: the Dynamic Gaussian Renderer, section 3.3.4."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...capture.clip import Clip
from ...capture.face_model import FaceModel, Region
from ...gaussians import render
from ...gaussians.constants import SH_C0
from ...training import Order, Run, one_torch_thread, run_loop, seed_all
from ...training.clip_frames import ClipFrames
from ...training.latent_pose import LatentPose, motion
from ...training.perceptual import Perceptual
from ...training.view_losses import before_colour, semantic_loss, view_losses
from . import losses
from .completion import complete
from .config import GaussianTalkerConfig
from .density import DensityControl
from .gaps import fill
from .model import BY_LATENT, GaussianTalker
from .seeding import seed
from .surroundings import Surroundings

_RATES = {
    "positions": 4e-5,
    "quats": 5e-3,
    "log_scales": 1e-2,
    "opacity_logits": 3e-2,
    "colours": 2e-2,
    "barycentric_logits": 1e-2,
    "blend_positions": 1.5e-5,
    "blend_rotations": 1e-3,
    "blend_colours": 4e-3,
    "latent": 1e-4,
}
"""Learning rates of Adam: metres, radians, logarithms, logits, coefficients."""
_LAST = 0.05  # to which share learning rates fall
_STEADY = 0.2  # the share of the steps before they do
_WARM = 0.1  # the share of the steps before the blendshapes begin
_TURNED = 0.4  # the share before the head's turn counts: what a turn hides and shows is first learned as form
_FILLED = 0.6  # the share after which gaps are filled, with what is left to train with them
_LEAST_WIDTH = 3e-4  # metres: what is thinner shows as dots from other sides


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
    with one_torch_thread():
        training = _Training(config, frames)
        run.check()
        run_loop(config, training.step, training.parts, run, preview=training.preview)
        if config.completed:
            complete(training.model, frames, training.seeds)
    return training.model.eval()


class FaceTuning(nn.Module):
    """What is added to the frames' expression (T, E) and joints' pose (T, J, 3): fine-tuning of face parameters."""

    def __init__(self, frames: ClipFrames) -> None:
        super().__init__()
        self.expression = nn.Parameter(torch.zeros(frames.tracks.expression.shape))
        self.pose = nn.Parameter(torch.zeros(frames.tracks.pose.shape))


class _Training:
    def __init__(self, config: GaussianTalkerConfig, frames: ClipFrames) -> None:
        self.config, self.frames = config, frames
        self.random = seed_all(config.seed)
        training = frames.split.training
        self.order = Order(len(training), config.seed)
        size = config.latent_size(len(training))
        latent = None
        if size:
            turns = torch.stack([frames.turn(index) for index in training]) if config.blend_turn else None
            inputs, mlp = motion(frames), config.latent == "mlp"
            latent = LatentPose(inputs, size, turns=turns, mlp=mlp, bound=config.latent_bound)
        self.seeds = seed(frames, config, self.random)
        self.model = GaussianTalker(config, frames.face_model, self.seeds, latent)
        self.tuning = FaceTuning(frames) if config.tune_face else None
        self.perceptual = Perceptual(Path(config.vgg_weights)) if config.vgg_weights else None
        self.density = DensityControl(self.model, config)
        self.rounds = self.density.rounds()
        self.surroundings = Surroundings(config, frames, self.seeds)
        if config.surroundings_weight:
            self.surroundings.refresh(self.model)
        self.optimiser = torch.optim.Adam(self._groups(), betas=(0.9, 0.99), eps=1e-15, fused=True)
        self.parts = {
            "model": self.model,
            "optimiser": self.optimiser,
            "density": self.density,
            "random": self.random,
            "surroundings": self.surroundings,
        }
        if self.tuning is not None:
            self.parts["tuning"] = self.tuning

    def step(self, number: int) -> Mapping[str, Tensor]:
        config, model = self.config, self.model
        index = self.frames.split.training[self.order.at(number)[0]]
        neck = bool(config.neck_gaussians) and number % config.neck_every == config.neck_every - 1
        down = 2 if neck or number < config.half_share * config.steps else 1
        view = self.frames.view(index, down, neck=neck)
        if config.random_background:
            view = before_colour(view, torch.from_numpy(self.random.random(3, dtype=np.float32)))
        turn = self.frames.turn(index) if number >= _TURNED * config.steps else None
        vertices, expression, joint_pose = self._face(index)
        cloud = model.pose_on(vertices, expression, joint_pose, turn)
        cloud.means.retain_grad()
        rows = ~model.necks | neck
        if number % 2:
            # The near side has to be whole by itself: through its gaps the far side would be learned as part of it.
            rows = rows & model.facing(vertices, view.camera)
        shown = cloud.map(lambda tensor: tensor[rows])
        image = render(shown, view.camera, region=view.region)
        picture = image.rgb + (1 - image.alpha)[..., None] * view.background
        terms = view_losses(picture, image, view, config)
        if self.perceptual is not None:
            terms["vgg"] = config.vgg_weight * self.perceptual(picture, view.picture)
        if config.attribute_losses:
            terms |= losses.attribute_losses(model, config)
        if config.surroundings_weight:
            terms |= self.surroundings.losses(model)
        if model.latent is not None:
            terms |= losses.blendshape_loss(model, config)
        if config.semantic_weight and number % config.semantic_every == 0:
            small = self.frames.view(index, 2)
            regions = model.regions[~model.necks]
            loss = config.semantic_weight * semantic_loss(model.without_neck(cloud), regions, small)
            terms["semantic"] = config.semantic_every * loss
        self._schedule(number)
        self.optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        assert cloud.means.grad is not None
        self.density.observe(cloud.means.detach(), cloud.means.grad, view.camera)
        self.optimiser.step()
        if number + 1 in self.rounds:
            held = self.surroundings.held if config.surroundings_weight else torch.zeros(len(model))
            self.density.control(model, self.optimiser, held)
        filled = config.completed and number + 1 == round(_FILLED * config.steps)
        if filled:
            fill(model, self.frames, self.seeds, self.optimiser)
            self.density.restart(model)
        if config.surroundings_weight and (filled or number + 1 in self.rounds or number % 100 == 99):
            self.surroundings.refresh(model)
        if number % 10 == 9 or number + 1 in self.rounds:
            constrain(model, config)
        return {name: term.detach() for name, term in terms.items()}

    def preview(self) -> np.ndarray:
        """A training frame beside what the head looks like over its background."""
        index = self.frames.split.training[len(self.frames.split.training) // 2]
        wanted = self.frames.frame(index)
        cloud = self.model.pose_on(*self._face(index), self.frames.turn(index))
        cloud = self.model.without_neck(cloud)
        image = render(cloud, self.frames.camera(index), backend="cpu")
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        picture = rgb + (1 - alpha)[..., None] * self.frames.background(index)
        return torch.cat([wanted, picture.clamp(0, 1)], dim=1).numpy()

    def _face(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Vertices, expression and joints' pose of a frame, with its tuning."""
        expression, pose = self.frames.expression(index), self.frames.joint_pose(index)
        if self.tuning is None:
            return self.frames.vertices(index), expression, pose
        expression, pose = expression + self.tuning.expression[index], pose + self.tuning.pose[index]
        vertices = self.frames.face_model.vertices(expression[:0], expression, pose)
        return vertices, expression.detach(), pose.detach()

    def _groups(self) -> list[dict[str, object]]:
        groups: list[dict[str, object]] = []
        for name, rate in _RATES.items():
            part = getattr(self.model, name)
            parameters = list(part.parameters()) if isinstance(part, nn.Module) else [part]
            parameters = [p for p in parameters if p is not None and p.requires_grad]
            if parameters:
                groups.append({"params": parameters, "lr": rate, "name": name})
        if self.tuning is not None:
            groups.append({"params": list(self.tuning.parameters()), "lr": self.config.tune_rate, "name": "tuning"})
        return groups

    def _schedule(self, number: int) -> None:
        """Learning rates fall exponentially; the speaker's blendshapes wait until the head has its form."""
        done = number / self.config.steps
        fall = _LAST ** max(0.0, (done - _STEADY) / (1 - _STEADY))
        for group in self.optimiser.param_groups:
            name = group["name"]
            rate = self.config.tune_rate if name == "tuning" else _RATES[name]
            late = name in BY_LATENT or name in ("latent", "tuning")
            begun = done >= _WARM or not late
            group["lr"] = self.config.learning_rate * rate * fall * begun


@torch.no_grad()
def constrain(model: GaussianTalker, config: GaussianTalkerConfig) -> None:
    """No needles, no dots: what one view does not see of a Gaussian's form, others do. Eyes stay behind lids.

    Nor is anything brighter than white: under what is in front of it now, it would shine through.
    """
    sizes = model.triangle_frames(model.face_model.neutral).sizes[model.triangles]
    scales = model.log_scales
    least = (_LEAST_WIDTH / sizes).log()
    wide = torch.maximum(scales[:, 0], scales[:, 2])
    least = torch.maximum(least, wide - math.log(config.needle_bound))
    scales[:, 0] = torch.maximum(scales[:, 0], least)
    scales[:, 2] = torch.maximum(scales[:, 2], least)
    scales[:, 1] = torch.minimum(scales[:, 1], torch.maximum(scales[:, 0], scales[:, 2]))
    # An eye that stands out of its ball would pierce lids that shut, and they would sink into it.
    height = model.positions[:, 1]
    height[model.regions == Region.EYES] = height[model.regions == Region.EYES].clamp_max(0)
    lids = model.lids
    height[lids] = height[lids].clamp_min(0)
    model.colours.clamp_(-0.5 / SH_C0, 0.5 / SH_C0)
