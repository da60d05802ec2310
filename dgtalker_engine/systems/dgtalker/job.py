"""DGTalker as a job: from a video to a head."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...training import Run
from ...training.avatar_job import System, train_avatar
from ...training.export import TrainedHead
from ...training.perceptual import Perceptual
from ...wire.jobs import Request
from .config import DGTalkerConfig
from .export import trained_head
from .train import cost, prior_of, train


def _check(config: DGTalkerConfig, face_model: FaceModel) -> None:
    prior_of(config, face_model)
    if config.vgg_weights:
        Perceptual(Path(config.vgg_weights))


def _train(config: DGTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> TrainedHead:
    trained = train(config, clip, face_model, run)
    if trained.navigation is not None and trained.navigation.encoders is None:
        # into the log
        print(f"{clip.folder} has hardly any speech. The head will speak as anybody does.", file=sys.stderr, flush=True)
    return trained_head(trained, run.check)


SYSTEM = System(name="dgtalker", config=DGTalkerConfig, train=_train, check=_check, cost=cost)


def train_job(request: Request, run: Run) -> dict[str, Any]:
    """The trainer of jobs, `systems.TRAINERS`; `training.avatar_job.train_avatar` says what it does."""
    return train_avatar(SYSTEM, request, run)
