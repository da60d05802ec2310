"""The refiner of a head: it learns what the head's pictures lack, and where it does not help there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from d3talker_tools import TINY
from made_clips import painted

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.errors import Cancelled
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.systems.d3talker.job import SYSTEM
from dgtalker_engine.training import Progress, Run
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.export import TrainedHead
from dgtalker_engine.training.head_evaluation import over_background
from dgtalker_engine.training.metrics import psnr
from dgtalker_engine.training.refinement import Refinement, RefinementConfig, SliderWeights, as_seen, train_refiner

CONFIG = RefinementConfig(steps=24, width=4, looks=2, rate=1e-2, jitter=1.0)


def head_of(frames: ClipFrames, contrast: float) -> TrainedHead:
    """The person of the clip, with too little contrast."""
    model = frames.face_model

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None) -> Gaussians:
        cloud = painted(model, model.vertices(expression[:0], expression, joint_pose))
        return replace(cloud, sh=contrast * cloud.sh)

    count = len(model.faces)
    return TrainedHead(
        pose=pose,
        pose_with=lambda expression, joint_pose, latents: pose(expression, joint_pose),
        latents=None,
        triangles=np.arange(count),
        barycentrics=np.full((count, 3), 1 / 3, np.float32),
        neck=np.zeros(count, bool),
    )


@pytest.fixture(scope="module")
def found(frames: ClipFrames) -> Refinement:
    return train_refiner(CONFIG, frames, head_of(frames, 0.6), Run())


def test_frames_that_nobody_was_trained_on_look_better_refined(frames: ClipFrames, found: Refinement) -> None:
    assert found.refiner is not None
    assert found.gain > 0.5
    head, sliders = head_of(frames, 0.6), SliderWeights(frames)
    index = frames.split.test[0]
    coarse = head.pose(frames.expression(index), frames.joint_pose(index))
    fine = as_seen(found.refiner, coarse, frames.camera(index), sliders.at(index))
    mask = torch.from_numpy(frames.head(index))
    before, after = (psnr(over_background(frames, index, each), frames.frame(index), mask) for each in (coarse, fine))
    assert after > before + 0.5


def test_it_reaches_as_far_as_the_clip_does(frames: ClipFrames, found: Refinement) -> None:
    assert found.refiner is not None
    least, most = found.refiner.reach.ranges["jawOpen"]
    shown = frames.tracks.expression[list(frames.split.training), frames.face_model.expression_names.index("jawOpen")]
    assert (least, most) == pytest.approx((shown.min(), shown.max()), abs=1e-3)
    assert found.refiner.reach.ranges["mouthPucker"] == (0, 0)


def test_a_head_that_it_cannot_better_goes_without(frames: ClipFrames) -> None:
    found = train_refiner(replace(CONFIG, steps=2, rate=0.0), frames, head_of(frames, 1.0), Run())
    assert found == (None, 0.0)


def test_training_that_was_cancelled_goes_on_to_the_same_bits(
    frames: ClipFrames, found: Refinement, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    run = Run(folder=tmp_path, progress=steps.append, progress_seconds=0, cancelled=lambda: len(steps) == 15)
    with pytest.raises(Cancelled):
        train_refiner(CONFIG, frames, head_of(frames, 0.6), run)
    again = train_refiner(CONFIG, frames, head_of(frames, 0.6), Run(folder=tmp_path))
    assert again.refiner is not None
    assert found.refiner is not None
    ours, theirs = again.refiner.network.state_dict(), found.refiner.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_training_tells_of_both_as_of_one(clip: Clip, model: FaceModel, tmp_path: Path, capsys) -> None:
    config = replace(TINY, steps=4, density_control=False, neck_gaussians=0, completed=False, individual=False,
                     coarse_to_fine=True, refiner_steps=12)  # fmt: skip
    told: list[Progress] = []
    head = SYSTEM.train(config, clip, model, Run(folder=tmp_path, progress=told.append, progress_seconds=0))
    assert {each.of for each in told} == {16}
    assert told[-1].step == 16
    assert head.refiner is not None
    assert "dB on frames that were held out" in capsys.readouterr().err
