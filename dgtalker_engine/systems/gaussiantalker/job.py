"""GaussianTalker as a job: from a video to a head."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...training import Run
from ...training.avatar_job import System, train_avatar
from ...training.clip_frames import Split
from ...training.export import TrainedHead
from ...wire.jobs import Request
from .config import GaussianTalkerConfig
from .export import trained_head
from .motion.config import AdaptationConfig
from .motion.dataset import NoSpeechError
from .motion.person import manner_of
from .train import train

_MANNER = "manner"
"""The folder, in the run's, of the adaptation's checkpoint."""


def _train(config: GaussianTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> TrainedHead:
    head = trained_head(train(config, clip, face_model, run))
    return replace(head, extras=_manner(config, clip, face_model, run)) if config.manner else head


def _manner(config: GaussianTalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> dict[str, np.ndarray]:
    """How the person speaks, for the head's file; nothing where the clip does not tell it, which the log says."""
    folder = run.folder / _MANNER if run.folder else None
    split = Split.of(len(clip), config.share)
    until = float(clip.tracks.times[split.test[0]]) if split.test else math.inf
    try:
        own = Run(folder=folder, cancelled=run.cancelled)
        return manner_of(clip, face_model, AdaptationConfig(), own, until=until).extras()
    except NoSpeechError as error:
        print(f"{error.message} The head will speak as anybody does.", file=sys.stderr, flush=True)  # into the log
        return {}


SYSTEM = System(name="gaussiantalker", config=GaussianTalkerConfig, train=_train)


def train_job(request: Request, run: Run) -> dict[str, Any]:
    """The trainer of jobs, `systems.TRAINERS`; `training.avatar_job.train_avatar` says what it does."""
    return train_avatar(SYSTEM, request, run)
