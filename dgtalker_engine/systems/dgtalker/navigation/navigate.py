"""Trains a person's blendshapes and audio encoders; the person itself, and its generator, are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ....capture.face_model import Region
from ....errors import DGTalkerError
from ....gaussians import Gaussians
from ....speech.hearing.moments import RATE, Heard
from ....training import Order, Run, one_torch_thread, run_loop, seed_all
from ....training.clip_frames import ClipFrames
from ....training.perceptual import Perceptual
from ..attributes import Heads
from ..generator import Generator
from ..origin import Origin
from ..person import Person
from .blendshapes import Blendshapes, FreeSteps, blendshapes_of
from .config import NavigationConfig
from .cross_view import Perceptual as PerceptualLoss
from .cross_view import cross_view_losses, drawn, nose_base, picture_losses
from .encoders import Encoders, inputs, windows
from .halves import Steps, halved, halves, upper_share

_LAST = 0.05  # to which share learning rates fall
_LEAST_SPOKEN = 20
"""Frames: encoders learn nothing of fewer."""
_SLACK = 0.5
"""Seconds of quiet, before and after speech, that are learned from too: mouths that rest are part of a manner."""


class Moved(NamedTuple):
    """What moves a head beside expressions.

    Attributes:
        joint_pose: turns of the face model's joints (J, 3); None: as they are in the clip on average.
        turn: of the head from its mean in the clip (3,); None: none.
    """

    joint_pose: Tensor | None = None
    turn: Tensor | None = None


AS_USUAL = Moved()


class Navigation(nn.Module):
    """What moves a person in the latent space.

    Args:
        config: of the training.
        generator: of the person.
        expressions: of the training frames (T, E).
        sound_width: of `Heard.sound`; 0 where the clip tells nothing of how the person speaks.
    """

    share: Tensor
    usual: Tensor

    def __init__(self, config: NavigationConfig, generator: Generator, expressions: Tensor, sound_width: int) -> None:
        super().__init__()
        self.config = config
        self.blendshapes: Blendshapes | FreeSteps = blendshapes_of(config, generator.config, expressions)
        self.register_buffer("share", upper_share(generator))
        self.register_buffer("usual", expressions.mean(dim=0))
        self.encoders: Encoders | None = None
        if sound_width:
            self.encoders = Encoders(inputs(sound_width), self.blendshapes.sizes, config)

    def tracked(self, person: Person, expression: Tensor, moved: Moved = AS_USUAL) -> Heads:
        """The head that a tracked expression, or sliders (1, E), ask for."""
        added = self.blendshapes.added(self.blendshapes.tracked(expression))
        return self.heads(person, expression, self._steps(person, expression, added, moved, moved))

    def spoken(self, person: Person, alpha: Tensor, moved: Moved = AS_USUAL, lips_moved: Moved | None = None) -> Heads:
        """The head at α (1, K): ω_can + Σ αᵉ bᵉ + Σ αˡ bˡ; the lower half as moved by another frame, where one is."""
        expression, added = self.blendshapes.expression(alpha), self.blendshapes.added(alpha)
        return self.heads(person, expression, self._steps(person, expression, added, moved, lips_moved or moved))

    def heads(self, person: Person, expression: Tensor, steps: Steps) -> Heads:
        """Heads at expressions of the face model (B, E), and steps beside them."""
        if self.blendshapes.apart:
            return halved(person, self.share, self.usual, expression, steps)
        return person.heads(person.latents(expression, steps.whole))

    def _steps(
        self, person: Person, expression: Tensor, added: tuple[Tensor, Tensor], upper: Moved, lower: Moved
    ) -> Steps:
        """The steps of the blendshapes with those that the person was tuned with; either half is moved by its own."""
        steps = Steps(*added, added[0] + added[1])
        if person.own is None:
            return steps
        usual = Moved(person.own.latent.mean[expression.shape[1] :], torch.zeros(3))
        moved = [Moved(*(a if b is None else b for a, b in zip(usual, each, strict=True))) for each in (upper, lower)]
        between = Moved(*((a + b) / 2 for a, b in zip(*moved, strict=True)))
        parts = (*halves(expression, self.usual), expression)
        own = (person.own(part[0], *each) for part, each in zip(parts, (*moved, between), strict=True))
        return Steps(*(a + b for a, b in zip(steps, own, strict=True)))

    def alpha(self, expression_sound: Tensor, blink: Tensor, lip_sound: Tensor) -> Tensor:
        """α (…, B, K) of two sounds (…, B, `FRAMES`, heard), and of how far the eyes are shut (B, 1)."""
        assert self.encoders is not None
        expression, lips = self.encoders.expression(expression_sound, blink), self.encoders.lips(lip_sound)
        return self.blendshapes.joined(expression, lips)


def navigate(config: NavigationConfig, frames: ClipFrames, person: Person, heard: Heard | None, run: Run) -> Navigation:
    """What moves a person, learned from their clip.

    Args:
        config: of the training.
        frames: of the clip; its test frames are left alone.
        person: who was found in it.
        heard: the clip's sound; None: there is none, and blendshapes alone are learned.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        DGTalkerError: the checkpoint is of another training or of another person, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    with one_torch_thread():
        training = _Training(config, frames, person, heard)
        run.check()
        run_loop(config, training.step, training.parts, run, preview=training.preview)
    return training.model.eval()


class _Training:
    def __init__(self, config: NavigationConfig, frames: ClipFrames, person: Person, heard: Heard | None) -> None:
        self.config, self.frames, self.person = config, frames, person
        self.random = seed_all(config.seed)
        rows = list(frames.split.training)
        self.expressions = torch.from_numpy(np.asarray(frames.tracks.expression[rows], np.float32))
        spoken = [] if heard is None else _spoken(heard, frames.tracks.times[rows])
        heard = heard if len(spoken) >= _LEAST_SPOKEN else None
        width = 0 if heard is None else heard.sound.shape[-1]
        self.model = Navigation(config, person.generator, self.expressions, width)
        self.order, self.spoken = Order(len(rows), config.seed), np.array(spoken, np.int64)
        self.base = nose_base(frames.face_model)
        generator = person.generator
        assert generator.face_model is not None
        self.head = generator.face_model.regions[generator.triangles] != Region.NECK
        self.perceptual: PerceptualLoss | None = Perceptual(Path(config.vgg_weights)) if config.vgg_weights else None
        own = list(self.model.blendshapes.parameters())
        groups: list[dict[str, Any]] = [{"params": own, "lr": config.blendshape_rate}]
        if heard is not None and self.model.encoders is not None:
            self._hear(heard, rows)
            encoders = list(self.model.encoders.parameters())
            groups.append({"params": encoders, "lr": config.encoder_rate})
        groups = [group for group in groups if group["params"]]
        if not groups:
            raise DGTalkerError(
                "Without blendshapes there is nothing to learn from a clip without speech.",
                "Give a clip in which the person speaks, with its sound.",
            )
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: _LAST ** min(step / config.steps, 1)
        )
        self.parts = {
            "origin": Origin("person", person, generator.config),
            "model": self.model,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "random": self.random,
        }

    def _hear(self, heard: Heard, rows: list[int]) -> None:
        """What is heard at each training frame, and one frame's time before and after it (3, T, …)."""
        times, apart = self.frames.tracks.times[rows], 1 / self.frames.clip.info.fps
        self.windows = torch.stack([windows(heard, times + shift * apart) for shift in (-1, 0, 1)])
        blink = self.frames.tracks.blink[rows].mean(axis=1, keepdims=True)
        self.blink = torch.from_numpy(blink.astype(np.float32))
        blendshapes, encoders = self.model.blendshapes, self.model.encoders
        assert encoders is not None
        self.wanted = blendshapes.tracked(self.expressions)
        half = self.wanted / 2  # where the two are added
        parts = self.wanted.split(blendshapes.sizes, dim=1) if blendshapes.apart else (half, half)
        expected = (parts[0][self.spoken], parts[1][self.spoken])
        least = (blendshapes.least_deviation(expected[0]), blendshapes.least_deviation(expected[1]))
        encoders.set_scale(self.windows[1, self.spoken], expected, least)

    def step(self, number: int) -> Mapping[str, Tensor]:
        config, model = self.config, self.model
        speaks = model.encoders is not None
        first = int(self.order.at(number)[0])
        exchanged = speaks and number >= config.warm_up * config.steps and number % 2 == 1
        if exchanged:
            terms = self._spoken_step()
        elif config.blendshapes:
            terms = self._tracked_step(first)
        else:
            terms = {}
        if speaks:
            terms |= self._heard_losses()
        terms["ridge"] = config.ridge * model.blendshapes.ridge()
        self.optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        self.optimiser.step()
        self.schedule.step()
        return {name: term.detach() for name, term in terms.items()}

    def _tracked_step(self, row: int) -> dict[str, Tensor]:
        """A frame with what was tracked in it."""
        cloud = self._shown(self.model.tracked(self.person, self.expressions[row : row + 1], self._moved(row)))
        view = self.frames.view(self.frames.split.training[row], self.config.down)
        return picture_losses(cloud, view, None, self.config, self.perceptual)

    def _spoken_step(self) -> dict[str, Tensor]:
        """A head that speaks with one frame's lips and has another's expression, seen from both."""
        i, j = (int(row) for row in self.random.choice(self.spoken, 2))
        if not self.config.cross_view:
            j = i
        sounds = self.windows[1]
        alpha = self.model.alpha(sounds[i : i + 1], self.blink[i : i + 1], sounds[j : j + 1])
        cloud = self._shown(self.model.spoken(self.person, alpha, self._moved(i), self._moved(j)))
        views = [self.frames.view(self.frames.split.training[row], self.config.down) for row in (i, j)]
        if self.config.cross_view:
            terms = cross_view_losses(cloud, (views[0], views[1]), self.base, self.config, self.perceptual)
        else:
            terms = picture_losses(cloud, views[0], None, self.config, self.perceptual)
        return {f"spoken {name}": term for name, term in terms.items()}

    def _moved(self, row: int) -> Moved:
        index = self.frames.split.training[row]
        return Moved(self.frames.joint_pose(index), self.frames.turn(index))

    def _shown(self, heads: Heads) -> Gaussians:
        """The one head, without the neck, which frames have of their own."""
        return heads.cloud(0).map(lambda each: each[self.head])

    def _heard_losses(self) -> dict[str, Tensor]:
        """Of the encoders alone, on a batch of frames."""
        config = self.config
        rows = torch.from_numpy(self.random.choice(self.spoken, min(config.windows, len(self.spoken)), replace=False))
        sounds = self.windows[:, rows]
        before, alpha, after = self.model.alpha(sounds, self.blink[rows], sounds)
        assert self.model.encoders is not None
        spread = self.wanted[self.spoken].var(dim=0).sum()
        error = (alpha - self.wanted[rows]).square().sum(dim=1).mean()
        doubt = config.doubt / len(self.spoken) * self.model.encoders.squares()
        return {
            "tracked": config.tracked / spread * error,
            "doubt": config.tracked / spread * doubt,
            "small": config.small * alpha.square().sum(dim=1).mean(),
            "smooth": config.smooth * (before - 2 * alpha + after).square().sum(dim=1).mean(),
        }

    def preview(self) -> np.ndarray:
        """A training frame beside what the person looks like over its background."""
        row = len(self.expressions) // 2
        view = self.frames.view(self.frames.split.training[row], self.config.down)
        heads = self.model.tracked(self.person, self.expressions[row : row + 1], self._moved(row))
        picture, _ = drawn(self._shown(heads), view)
        return torch.cat([view.picture, picture.clamp(0, 1)], dim=1).numpy()


def _spoken(heard: Heard, times: np.ndarray) -> list[int]:
    """Which of the moments are in speech, or near it."""
    near = np.convolve(heard.speaking.astype(np.float32), np.ones(2 * round(_SLACK * RATE) + 1), "same") > 0.5
    rows = np.round(times * RATE).astype(np.int64)
    return [index for index, row in enumerate(rows) if 0 <= row < len(near) and near[row]]
