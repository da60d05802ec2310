"""D³-Talker as a job: from a video to a head."""

from __future__ import annotations

import sys
from typing import Any

import torch

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...training import Run
from ...training.avatar_job import System, train_avatar
from ...training.clip_frames import Split
from ...training.export import TrainedHead
from ...wire.jobs import Request
from . import prior
from .config import D3TalkerConfig
from .export import trained_head
from .train import train


def _train(config: D3TalkerConfig, clip: Clip, face_model: FaceModel, run: Run) -> TrainedHead:
    if config.pretrained and prior.chosen(config, face_model) is None:
        # into the log, as below
        print("What people share is known of the engine's own face model alone: all is learned from the clip.",
              file=sys.stderr, flush=True)  # fmt: skip
    model = train(config, clip, face_model, run)
    if config.individual and model.individual is None:
        print(f"{clip.folder} has hardly any speech. The head will speak as anybody does.", file=sys.stderr, flush=True)
    training = list(Split.of(len(clip), config.share).training)
    expressions, poses = (torch.from_numpy(each[training]) for each in (clip.tracks.expression, clip.tracks.pose))
    return trained_head(model, expressions.float(), poses.float())


def _check(config: D3TalkerConfig, face_model: FaceModel) -> None:
    prior.chosen(config, face_model)


SYSTEM = System(name="d3talker", config=D3TalkerConfig, train=_train, check=_check)


def train_job(request: Request, run: Run) -> dict[str, Any]:
    """The trainer of jobs, `systems.TRAINERS`; `training.avatar_job.train_avatar` says what it does."""
    return train_avatar(SYSTEM, request, run)
