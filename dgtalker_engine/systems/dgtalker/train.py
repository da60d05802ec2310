"""Trains a person's head from a clip: their own generator, tuned from the prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...errors import DGTalkerError
from ...speech.progress import Stage
from ...training import Progress, Run, Stages
from ...training.clip_frames import ClipFrames, Split
from ...training.clip_sound import training_sound
from ...training.stages import PARTS, told_fractions
from .config import DGTalkerConfig
from .generator import Generator
from .navigation.hearing import heard_in_training
from .navigation.navigate import Navigation, navigate
from .person import Person
from .personalise import personalise
from .prior import file

_PERSON_COST, _NAVIGATION_COST = 0.6, 0.4
"""About how many seconds a step takes."""
_HEARING_COST = 0.3
"""About how many seconds a second of sound takes."""


@dataclass(frozen=True)
class Trained:
    """What a clip taught.

    Attributes:
        person: in the latent space.
        navigation: what moves them there; None: the face model's expressions alone.
        expressions: of the training frames (T, E).
    """

    person: Person
    navigation: Navigation | None
    expressions: Tensor


def train(config: DGTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> Trained:
    """The clip's person in the latent space of the prior, and their blendshapes and audio encoders.

    Args:
        config: of the training.
        clip: captured and fitted.
        face_model: that it was fitted with.
        run: where the checkpoints are, who is told and shown what.

    Raises:
        DGTalkerError: as `prior_of`; the clip is too short or damaged, or has no sound where only sound is to move the
            person; or the checkpoint is of another training.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    prior = prior_of(config, face_model)
    samples, rate = training_sound(clip, Split.of(len(clip), config.share))
    if config.navigation_steps and not config.blendshapes and not len(samples):
        raise DGTalkerError(
            "Without blendshapes there is nothing to learn from a clip without sound.",
            "Give a clip in which the person speaks, with its sound, or train with blendshapes.",
        )
    frames = ClipFrames(clip, face_model, share=config.share, progress=lambda _: run.check())
    costs = _costs(config, len(samples) / rate)
    stages = Stages(replace(run, progress=lambda told: run.progress(_as_steps(told))), costs)
    person = personalise(config.person(), frames, prior, replace(stages.begin("person"), folder=run.folder))
    expressions = torch.stack([frames.expression(index) for index in frames.split.training])
    if not config.navigation_steps:
        return Trained(person, None, expressions)
    heard = None
    if len(samples):
        heard = heard_in_training(samples, rate, Stage(told_fractions(stages.begin("hearing"))))
    navigation = navigate(config.navigation(), frames, person, heard, stages.begin("navigation"))
    return Trained(person, navigation, expressions)


def cost(config: DGTalkerConfig) -> float:
    """About how many seconds `train` takes, before anything is known of the clip."""
    return sum(_costs(config, 0.0).values())


def _costs(config: DGTalkerConfig, sound: float) -> dict[str, float]:
    """Of the stages, with so many seconds of sound."""
    costs = {"person": _PERSON_COST * config.steps}
    if not config.navigation_steps:
        return costs
    return costs | {"hearing": _HEARING_COST * sound, "navigation": _NAVIGATION_COST * config.navigation_steps}


def _as_steps(told: Progress) -> Progress:
    """The progress of both trainings as that of one."""
    assert told.fraction is not None
    return replace(told, step=round(PARTS * told.fraction), of=PARTS)


def prior_of(config: DGTalkerConfig, face_model: FaceModel) -> Generator:
    """The prior that is personalised.

    Raises:
        DGTalkerError: it is missing or damaged, cannot be personalised, or another face model is asked for.
    """
    path = Path(config.prior) if config.prior else file.chosen()
    prior = file.read(path, face_model)
    if prior.identity is None or prior.shared is None:
        raise DGTalkerError(f"{path} has no shared planes on a face model.", "Give a prior that train prior has made.")
    return prior
