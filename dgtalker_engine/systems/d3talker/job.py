"""D³-Talker as a job: from a video to a head."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import torch

from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...training import Run
from ...training.avatar_job import System, train_avatar
from ...training.clip_frames import Split
from ...training.export import TrainedHead
from ...training.refinement import Refinement, RefinementConfig, train_refiner
from ...training.stages import consecutive
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
    refiner_steps = config.refiner_steps if config.coarse_to_fine else 0
    coarse, fine = consecutive(run, (config.steps, refiner_steps))
    model, frames = train(config, clip, face_model, coarse)
    if config.individual and model.individual is None:
        print(f"{clip.folder} has hardly any speech. The head will speak as anybody does.", file=sys.stderr, flush=True)
    training = list(Split.of(len(clip), config.share).training)
    expressions, poses = (torch.from_numpy(each[training]) for each in (clip.tracks.expression, clip.tracks.pose))
    head = trained_head(model, expressions.float(), poses.float())
    if not config.coarse_to_fine:
        return head
    folder = None if fine.folder is None else fine.folder / "refiner"
    found = train_refiner(
        RefinementConfig(steps=refiner_steps, seed=config.seed), frames, head, replace(fine, folder=folder)
    )
    print(_verdict(found), file=sys.stderr, flush=True)
    return replace(head, refiner=found.refiner)


def _verdict(found: Refinement) -> str:
    gain = f"The refiner gains {found.gain:.2f} dB on frames that were held out from it"
    return f"{gain}." if found.refiner is not None else f"{gain}: too little, and the head goes without."


def _check(config: D3TalkerConfig, face_model: FaceModel) -> None:
    prior.chosen(config, face_model)


SYSTEM = System(name="d3talker", config=D3TalkerConfig, train=_train, check=_check)


def train_job(request: Request, run: Run) -> dict[str, Any]:
    """The trainer of jobs, `systems.TRAINERS`; `training.avatar_job.train_avatar` says what it does."""
    return train_avatar(SYSTEM, request, run)
