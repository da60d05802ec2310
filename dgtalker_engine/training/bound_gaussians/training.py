"""The training of a head of bound Gaussians from a clip: GaussianTalker's section 3.3.4, for all such systems."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ...capture.face_model import Region
from ...gaussians import Gaussians, render
from ...gaussians.constants import SH_C0
from ..checkpoints import Parts
from ..clip_frames import ClipFrames
from ..loop import Run, run_loop
from ..order import Order
from ..perceptual import Perceptual
from ..randomness import seed_all
from ..threads import one_torch_thread
from ..view_losses import before_colour, semantic_loss, view_losses
from .completion import complete
from .config import BoundGaussiansConfig
from .density import DensityControl
from .gaps import fill
from .losses import attribute_losses
from .model import BoundHead
from .seeding import Seeds, seed
from .surroundings import Surroundings

RATES = {
    "positions": 4e-5,
    "quats": 5e-3,
    "log_scales": 1e-2,
    "opacity_logits": 3e-2,
    "colours": 2e-2,
    "barycentric_logits": 1e-2,
}
"""Learning rates of Adam: metres, radians, logarithms, logits, coefficients."""
_LAST = 0.05  # to which share learning rates fall
_STEADY = 0.2  # the share of the steps before they do
_WARM = 0.1  # the share of the steps before what moves the speaker's own way begins
_TURNED = 0.4  # the share before the head's turn counts: what a turn hides and shows is first learned as form
_FILLED = 0.6  # the share after which gaps are filled, with what is left to train with them
_LEAST_WIDTH = 3e-4  # metres: what is thinner shows as dots from other sides

C = TypeVar("C", bound=BoundGaussiansConfig)
H = TypeVar("H", bound=BoundHead)


class BoundTraining(ABC, Generic[C, H]):
    """One training; a system makes its model and says what moves it.

    Args:
        config: of the training.
        frames: of the clip.

    Attributes:
        config: as given.
        frames: as given.
        random: numbers that a checkpoint keeps.
        seeds: the Gaussians at first.
        model: what is trained.
    """

    rates: Mapping[str, float] = RATES
    """Learning rates of the model's parameters and modules, by their names."""
    late: tuple[str, ...] = ()
    """Names of `rates` that begin when the head has its form."""

    def __init__(self, config: C, frames: ClipFrames) -> None:
        self.config, self.frames = config, frames
        self.random = seed_all(config.seed)
        training = frames.split.training
        self.order = Order(len(training), config.seed)
        self.prepare()
        self.seeds: Seeds = seed(frames, config, self.random)
        self.model: H = self.made()
        self.perceptual = Perceptual(Path(config.vgg_weights)) if config.vgg_weights else None
        self.density = DensityControl(self.model, config)
        self.rounds = self.density.rounds()
        self.surroundings = Surroundings(config, frames, self.seeds)
        if config.surroundings_weight:
            self.surroundings.refresh(self.model)
        self.optimiser = torch.optim.Adam(list(self.groups()), betas=(0.9, 0.99), eps=1e-15, fused=True)

    def prepare(self) -> None:
        """What a system does before Gaussians are seeded."""

    @abstractmethod
    def made(self) -> H:
        """The model of the seeds."""

    @abstractmethod
    def posed(self, index: int, number: int, turn: Tensor | None) -> tuple[Gaussians, Tensor]:
        """The head in a training frame, at a step, with the face model's vertices there (V, 3)."""

    def own_losses(self) -> dict[str, Tensor]:
        """What the system adds, of what `posed` last made."""
        return {}

    @property
    def parts(self) -> Parts:
        """For `run_loop`."""
        return {
            "model": self.model,
            "optimiser": self.optimiser,
            "density": self.density,
            "random": self.random,
            "surroundings": self.surroundings,
        }

    def part(self, name: str) -> nn.Module | nn.Parameter | None:
        """What has a learning rate in `rates`."""
        return getattr(self.model, name)

    def groups(self) -> Iterator[dict[str, Any]]:
        """Of the optimiser, by name."""
        for name, rate in self.rates.items():
            part = self.part(name)
            parameters = list(part.parameters()) if isinstance(part, nn.Module) else [part]
            parameters = [p for p in parameters if p is not None and p.requires_grad]
            if parameters:
                yield {"params": parameters, "lr": rate, "name": name}

    def run(self, run: Run) -> H:
        """Trains, from the run's checkpoint on where there is one."""
        run.check()
        run_loop(self.config, self.step, self.parts, run, preview=self.preview)
        if self.config.completed:
            complete(self.model, self.frames, self.seeds)
        return self.model.eval()

    def step(self, number: int) -> Mapping[str, Tensor]:
        config, model = self.config, self.model
        index = self.frames.split.training[self.order.at(number)[0]]
        neck = bool(config.neck_gaussians) and number % config.neck_every == config.neck_every - 1
        down = 2 if neck or number < config.half_share * config.steps else 1
        view = self.frames.view(index, down, neck=neck)
        if config.random_background:
            view = before_colour(view, torch.from_numpy(self.random.random(3, dtype=np.float32)))
        turn = self.frames.turn(index) if number >= _TURNED * config.steps else None
        cloud, vertices = self.posed(index, number, turn)
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
            terms |= attribute_losses(model, config)
        if config.surroundings_weight:
            terms |= self.surroundings.losses(model)
        terms |= self.own_losses()
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
        cloud, _ = self.posed(index, self.config.steps, self.frames.turn(index))
        cloud = self.model.without_neck(cloud)
        image = render(cloud, self.frames.camera(index), backend="cpu")
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        picture = rgb + (1 - alpha)[..., None] * self.frames.background(index)
        return torch.cat([wanted, picture.clamp(0, 1)], dim=1).detach().numpy()

    def _schedule(self, number: int) -> None:
        """Learning rates fall exponentially; what is late waits until the head has its form."""
        done = number / self.config.steps
        fall = _LAST ** max(0.0, (done - _STEADY) / (1 - _STEADY))
        for group in self.optimiser.param_groups:
            begun = done >= _WARM or group["name"] not in self.late
            group["lr"] = self.config.learning_rate * self.rates[group["name"]] * fall * begun


def trained(make: Callable[[], BoundTraining[C, H]], run: Run) -> H:
    """The head that a training makes."""
    with one_torch_thread():
        return make().run(run)


@torch.no_grad()
def constrain(model: BoundHead, config: BoundGaussiansConfig) -> None:
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
