from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from d3talker_tools import JAW, TINY, sound

from dgtalker_engine import avatar, systems
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.speech.hearing.moments import RATE
from dgtalker_engine.speech.hearing.speaking import NAMES
from dgtalker_engine.systems.d3talker.export import trained_head
from dgtalker_engine.systems.d3talker.job import train_job
from dgtalker_engine.systems.d3talker.manner import Manner
from dgtalker_engine.systems.d3talker.model import D3Talker
from dgtalker_engine.systems.d3talker.train import train_frames
from dgtalker_engine.training import Progress, Run
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.head_evaluation import over_background
from dgtalker_engine.training.metrics import psnr
from dgtalker_engine.wire.jobs import Request


@pytest.fixture(scope="module")
def head(frames: ClipFrames) -> D3Talker:
    return train_frames(TINY, frames, sound(frames), Run())


def decibels(head: D3Talker, frames: ClipFrames, index: int) -> float:
    with torch.no_grad():
        cloud = head.without_neck(head.pose(frames.expression(index), frames.joint_pose(index), frames.turn(index)))
        mask = torch.from_numpy(frames.head(index))
        return psnr(over_background(frames, index, cloud), frames.frame(index), mask)


def test_a_head_learns_to_look_like_frames_that_it_was_not_trained_on(frames: ClipFrames, head: D3Talker) -> None:
    before = train_frames(replace(TINY, steps=1), frames, None, Run())
    for index in frames.split.test[:2]:
        assert decibels(head, frames, index) > max(22, decibels(before, frames, index) + 1)


def test_training_that_was_cancelled_goes_on_to_the_same_bits(
    frames: ClipFrames, head: D3Talker, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    run = Run(folder=tmp_path, progress=steps.append, progress_seconds=0, cancelled=lambda: len(steps) == 15)
    with pytest.raises(Cancelled):
        train_frames(TINY, frames, sound(frames), run)
    ours = train_frames(TINY, frames, sound(frames), Run(folder=tmp_path)).state_dict()
    theirs = head.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_both_fields_learn_and_a_mute_clip_has_one(frames: ClipFrames, head: D3Talker) -> None:
    assert head.individual is not None
    for fields in (head.general, head.individual):
        assert fields.face.answers.weight.abs().max() > 0
        assert fields.mouth.answers.weight.abs().max() > 0
    mute = train_frames(replace(TINY, steps=2), frames, None, Run())
    assert mute.individual is None
    assert Manner.of(mute) is None
    assert mute.pose(frames.expression(0)).means.isfinite().all()


def test_an_exported_heads_latents_do_what_the_fields_did_in_the_clip(frames: ClipFrames, head: D3Talker) -> None:
    training = list(frames.split.training)
    expressions = torch.from_numpy(frames.tracks.expression[training])
    poses = torch.from_numpy(frames.tracks.pose[training])
    with torch.no_grad():
        for each in (*head.general.children(), *head.individual.children()):
            torch.nn.init.normal_(each.answers.weight, std=3.0)
        made = trained_head(head, expressions, poses)
        assert made.latents is not None
        for index in (0, 7):
            unbounded = torch.from_numpy(made.latents.offset) + expressions[index] @ torch.from_numpy(
                made.latents.linear
            )
            latents = made.latents.bound * torch.tanh(unbounded / made.latents.bound)
            exact = made.pose(expressions[index], poses[index])
            near = made.pose_with(expressions[index], poses[index], latents)
            none = made.pose_with(expressions[index], poses[index], torch.zeros_like(latents))
            assert (near.means - exact.means).norm() < 0.5 * (none.means - exact.means).norm()


def test_a_manner_in_a_file_says_what_the_trained_one_does(frames: ClipFrames) -> None:
    heard = sound(frames)
    head = train_frames(replace(TINY, steps=60, density_control=False, completed=False, said_weight=1.0,
                                semantic_weight=0.0), frames, heard, Run())  # fmt: skip
    made = Manner.of(head)
    assert made is not None
    data = avatar.pack(avatar.load(avatar.builtin("robin")), made.extras())
    back = systems.manner_of(systems.manner_part(data))
    curves = back.curves(heard)
    assert curves == pytest.approx(made.curves(heard), abs=0.02)
    jaw = np.interp(np.arange(len(curves)) / RATE, frames.tracks.times, frames.tracks.expression[:, JAW])
    assert np.corrcoef(curves[:, NAMES.index("jawOpen")], jaw)[0, 1] > 0.8


def test_a_prior_that_cannot_be_used_is_told_before_anything_is_captured(tmp_path, clip):
    unrefined = clip.save_info(photometric=False)
    request = Request(
        trainer="d3talker",
        config={**TINY.to_json(), "pretrained": True, "prior": str(tmp_path / "nowhere.safetensors")},
        input=str(unrefined.folder),
        output=str(tmp_path / "made.dgt"),
        consent={"subject": "Nobody", "status": "synthetic"},
    )
    stages = []
    with pytest.raises(DGTalkerError, match=r"nowhere\.safetensors is missing"):
        train_job(request, Run(folder=tmp_path / "job", progress=lambda told: stages.append(told.stage)))
    assert not stages


def test_a_job_writes_a_head_that_looks_like_the_person_in_the_clip(tmp_path, clip):
    clip = clip.save_info(photometric=True)
    request = Request(
        trainer="d3talker",
        config={**TINY.to_json(), "share": 1.0, "density_control": False, "neck_gaussians": 100, "completed": False,
                "coarse_to_fine": True, "refiner_steps": 4},
        input=str(clip.folder),
        output=str(tmp_path / "made.dgt"),
        consent={"subject": "Nobody", "status": "synthetic"},
    )  # fmt: skip
    result = train_job(request, Run(folder=tmp_path / "job"))
    head = avatar.load(tmp_path / "made.dgt")
    assert result["refined"] == (head.refiner is not None)
    assert head.metadata.training.system == "d3talker"
    assert result["bake"]["psnr"] > 28
