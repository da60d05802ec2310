"""Personalises the prior on a clip: inversion into W+, then pivotal tuning (PTI, Roich et al. 2022) over all frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...capture.face_model import Region
from ...gaussians import Gaussians, render
from ...training import Order, Run, one_torch_thread, run_loop, seed_all
from ...training.clip_frames import ClipFrames, View
from ...training.latent_pose import LatentPose, latent_size, motion
from ...training.perceptual import Perceptual
from ...training.view_losses import before_colour, semantic_loss, view_losses
from .attributes import activated
from .config import PersonConfig
from .generator import Generator
from .inverted_latent import inversion_rate
from .origin import Origin
from .person import OwnSteps, Person
from .prior.losses import attribute_error
from .prior.samples import draw_expression
from .tuning import Tuning, colour_channels, position_channels
from .visibility import carried_on, faced, shown_texels, spread

_WARM, _LAST = 0.05, 0.05
"""Of the tuning: the share of the steps in which rates rise, and to which share they fall."""
_NUMB = 1e-15
"""Adam's ε: a texel's gradient is small because it is one of many."""
_LEAST_HELD, _POSITIONS_HELD = 0.02, 0.2
"""How much of what is shown is held too: nothing is gained by what leaves the picture, and where a Gaussian lies along
the line of sight is not shown at all."""


def personalise(config: PersonConfig, frames: ClipFrames, prior: Generator, run: Run) -> Person:
    """The person of a clip.

    First one latent of W+ is looked for whose heads, at the tracked expressions, look like the frames whose expressions
    differ most: ω_can is then at rest, and the mean of all of them. Then the generator is tuned around it over all
    training frames; where frames show nothing, and at expressions that they lack, it stays the prior's.

    Args:
        config: of the training.
        frames: of the clip.
        prior: of a decoded template with shared planes; does not change.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        DGTalkerError: the training diverged, the checkpoint is of another one or of another prior, or there are no VGG
            weights where they should be.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    with one_torch_thread():
        training = _Training(config, frames, prior)
        run_loop(config, training.step, training.parts, run, preview=training.preview)
        return training.finished()


def expressive(expressions: np.ndarray, count: int) -> list[int]:
    """Of expressions (T, E) `count` that differ most: each far from those before it, the first from the mean."""
    distance = np.linalg.norm(expressions - expressions.mean(axis=0), axis=1)
    chosen: list[int] = []
    for _ in range(min(count, len(expressions))):
        chosen.append(int(distance.argmax()))
        nearer = np.linalg.norm(expressions - expressions[chosen[-1]], axis=1)
        distance = nearer if len(chosen) == 1 else np.minimum(distance, nearer)
        distance[chosen] = -1
    return chosen


def on_turn(number: int, every: int) -> bool:
    """Whether a step is the one of its `every` that does something more, first the first of them, then the second, …

    At the same place each time, two such things would always or never fall together: the network, which learns in every
    second step, would see no neck, and all of the semantic loss.
    """
    return number % every == number // every % every


def _own_steps(config: PersonConfig, frames: ClipFrames, prior: Generator) -> OwnSteps | None:
    if not config.own_steps:
        return None
    size = min(config.own_steps, latent_size(len(frames.split.training)))
    turns = torch.stack([frames.turn(index) for index in frames.split.training])
    latent = LatentPose(motion(frames), size, turns=turns, mlp=False, bound=config.own_bound)
    return OwnSteps(latent, prior.config.latents, prior.config.width)


class _Training:
    def __init__(self, config: PersonConfig, frames: ClipFrames, prior: Generator) -> None:
        self.config, self.frames, self.prior = config, frames, prior
        self.random = seed_all(config.seed)
        training = frames.split.training
        self.order = Order(len(training), config.seed)
        self.first = [
            training[i] for i in expressive(frames.tracks.expression[list(training)], config.inversion_frames)
        ]
        self.inverting = round(config.inversion_share * config.steps)
        own = _own_steps(config, frames, prior)
        self.perceptual = Perceptual(Path(config.vgg_weights)) if config.vgg_weights else None
        self.tuning = Tuning(prior, torch.from_numpy(frames.tracks.identity.astype(np.float32)), own)
        assert prior.face_model is not None
        self.names = prior.face_model.expression_names
        self.regions = prior.face_model.regions[prior.triangles]
        self.neck = self.regions == Region.NECK
        self.neck_texels = spread(self.neck.float(), prior.uv, prior.config.resolution)
        self.inversion = self.tuning.latents.optimiser(config.inversion_rate)
        self.planes = torch.optim.Adam(list(self.tuning.levels), config.planes_rate, (0.9, 0.99), _NUMB, fused=True)
        groups: list[dict[str, Any]] = [{"params": self.tuning.network(), "rate": config.network_rate}]
        if own is not None:
            groups.append({"params": [own.blendshapes], "rate": config.own_rate})
        self.network = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=_NUMB, fused=True)
        self.hidden: Tensor | None = None
        self.parts = {
            "origin": Origin("prior", prior, prior.config),
            "tuning": self.tuning,
            "inversion": self.inversion,
            "planes": self.planes,
            "network": self.network,
            "random": self.random,
        }

    def step(self, number: int) -> Mapping[str, Tensor]:
        inverting = number < self.inverting
        self.tuning.thaw(network=not inverting)
        return self._invert(number) if inverting else self._tune(number)

    def _invert(self, number: int) -> Mapping[str, Tensor]:
        rate = inversion_rate(self.config.inversion_rate, number / self.inverting)
        self.inversion.param_groups[0]["lr"] = rate
        index = self.first[number % len(self.first)]
        latents = self.tuning.latents(self.frames.expression(index)[None])
        cloud = self.tuning.generator(latents).cloud(0)
        neck = number // len(self.first) % 2 == 1  # each frame without it, then with it
        terms = self._pictures(cloud, index, 2, neck=neck)
        terms["apart"] = self.config.apart_weight * self.tuning.latents.apart()
        self.inversion.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        self.inversion.step()
        return {name: term.detach() for name, term in terms.items()}

    def _tune(self, number: int) -> Mapping[str, Tensor]:
        config, generator = self.config, self.tuning.generator
        self._schedule(number)
        index = self.frames.split.training[self.order.at(number)[0]]
        deep = number % config.network_every == 0
        anchored = deep and config.anchor_weight > 0
        with torch.set_grad_enabled(deep):
            latents = self._latents(index)
            if anchored:
                expression = torch.from_numpy(draw_expression(self.names, self.random))
                latents = torch.cat([latents, self.tuning.latents(expression[None]).detach()])
            own = generator.own_planes(latents)
        raw = generator.read(own[:1] + self.tuning.shared())
        cloud = activated(raw, generator.template(latents[:1]), generator.config).cloud(0)
        neck = on_turn(number, config.neck_every)
        down = 2 if neck or number < config.half_share * config.steps else 1
        terms = self._pictures(cloud, index, down, neck=neck)
        if config.semantic_weight and on_turn(number, config.semantic_every):
            rows = ~self.neck
            small = self.frames.view(index, 2)
            loss = semantic_loss(cloud.map(lambda each: each[rows]), self.regions[rows], small)
            terms["semantic"] = config.semantic_every * config.semantic_weight * loss
        if config.hidden_weight:
            terms["hidden"] = config.hidden_weight * self.tuning.held(self._hidden())
        if deep and self.tuning.own_steps is not None:
            terms["own"] = config.own_weight * self.tuning.own_steps.blendshapes.square().mean()
        if anchored:
            with torch.no_grad():
                pivot = self.prior.raw(latents[1:].detach())
            assert generator.shared is not None
            said = generator.read(own[1:] + generator.shared)
            everywhere = torch.ones(len(generator.uv))
            terms["anchor"] = config.anchor_weight * attribute_error(said, pivot, everywhere, generator.config)
        self.planes.zero_grad()
        self.network.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        self.planes.step()
        if deep:
            self.network.step()
        return {name: term.detach() for name, term in terms.items()}

    def _pictures(self, cloud: Gaussians, index: int, down: int, *, neck: bool) -> dict[str, Tensor]:
        view: View = self.frames.view(index, down, neck=neck)
        if self.config.random_background:
            view = before_colour(view, torch.from_numpy(self.random.random(3, dtype=np.float32)))
        rows = ~self.neck | neck
        image = render(cloud.map(lambda each: each[rows]), view.camera, region=view.region)
        picture = image.rgb + (1 - image.alpha)[..., None] * view.background
        terms = view_losses(picture, image, view, self.config)
        if self.perceptual is not None:
            terms["vgg"] = self.config.vgg_weight * self.perceptual(picture, view.picture)
        return terms

    def _hidden(self) -> Tensor:
        """How much planes are held to the prior: 1 where frames show nothing of them (channels, side, side)."""
        if self.hidden is None:
            shown = shown_texels(self._pivot, self.frames, self.prior.uv, self.prior.config.resolution)
            least = torch.where(position_channels(self.prior.config), _POSITIONS_HELD, _LEAST_HELD)
            # What pulls at necks does so in few steps, and what holds them in all.
            rare = 1 - self.neck_texels * (1 - 1 / self.config.neck_every)
            self.hidden = rare * (1 - shown).maximum(least[:, None, None])
        return self.hidden

    def _pivot(self, index: int) -> Gaussians:
        """The head of a frame before the tuning."""
        latents = self.tuning.latents(self.frames.expression(index)[None])
        return activated(self.prior.raw(latents), self.tuning.generator.template(latents), self.prior.config).cloud(0)

    def _latents(self, index: int) -> Tensor:
        """A frame's (1, latents, width), of what is tuned."""
        frames, own = self.frames, self.tuning.own_steps
        with torch.no_grad():
            latents = self.tuning.latents(frames.expression(index)[None])
        if own is None:
            return latents
        return latents + own(frames.expression(index), frames.joint_pose(index), frames.turn(index))

    def _tuned(self, index: int) -> Gaussians:
        """The head of a frame as it is now."""
        generator, latents = self.tuning.generator, self._latents(index)
        raw = generator.read(generator.own_planes(latents) + self.tuning.shared())
        return activated(raw, generator.template(latents), generator.config).cloud(0)

    @torch.no_grad()
    def finished(self) -> Person:
        """The person; colours that no frame shows change as those around them did.

        Those of neck and shoulders become what they are around them: a prior's clothes end elsewhere.
        """
        added = self.tuning.added()
        if self.config.carried_on:
            config, uv = self.prior.config, self.prior.uv
            shown = shown_texels(self._tuned, self.frames, uv, config.resolution)
            faced_neck = spread(self.neck * faced(self.frames, self.prior.triangles), uv, config.resolution)
            colours = colour_channels(config)
            rest = self.tuning.generator.own_planes(self.tuning.latents.at_rest())[0] + self.tuning.shared(added)
            clothes = added + (carried_on(rest, shown * faced_neck) - rest) / self.tuning.rates
            added[colours] = torch.lerp(carried_on(added, shown), clothes, self.neck_texels)[colours]
        return self.tuning.person(added)

    def _schedule(self, number: int) -> None:
        done = (number - self.inverting) / max(1, self.config.steps - self.inverting)
        share = min(1.0, (done + 1e-3) / _WARM) * _LAST**done
        self.planes.param_groups[0]["lr"] = self.config.planes_rate * share
        for group in self.network.param_groups:
            group["lr"] = group["rate"] * share

    def preview(self) -> np.ndarray:
        """A training frame beside what the head looks like over its background."""
        index = self.frames.split.training[len(self.frames.split.training) // 2]
        image = render(self._tuned(index).map(lambda each: each[~self.neck]), self.frames.camera(index), backend="cpu")
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        picture = rgb + (1 - alpha)[..., None] * self.frames.background(index)
        return torch.cat([self.frames.frame(index), picture.clamp(0, 1)], dim=1).numpy()
