"""Trains a person's head from a clip: their own generator, tuned from the prior."""

from __future__ import annotations

from pathlib import Path

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...errors import DGTalkerError
from ...training import Run
from ...training.clip_frames import ClipFrames
from .config import DGTalkerConfig
from .generator import Generator
from .person import Person
from .personalise import personalise
from .prior import file


def train(config: DGTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> Person:
    """The clip's person in the latent space of the prior.

    Args:
        config: of the training.
        clip: captured and fitted.
        face_model: that it was fitted with.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        DGTalkerError: as `prior_of`; the clip is too short or damaged, or the checkpoint is of another training.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    prior = prior_of(config, face_model)
    frames = ClipFrames(clip, face_model, share=config.share, progress=lambda _: run.check())
    return personalise(config, frames, prior, run)


def prior_of(config: DGTalkerConfig, face_model: FaceModel) -> Generator:
    """The prior that is personalised.

    Raises:
        DGTalkerError: it is missing or damaged, cannot be personalised, or another face model is asked for.
    """
    path = Path(config.prior) if config.prior else file.SHIPPED
    prior = file.read(path, face_model)
    if prior.identity is None or prior.shared is None:
        raise DGTalkerError(f"{path} has no shared planes on a face model.", "Give a prior that train prior has made.")
    return prior
