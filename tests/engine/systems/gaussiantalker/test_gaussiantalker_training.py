from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gaussiantalker_tools import TINY
from made_clips import make_clip
from vgg_file import write_vgg

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.systems.gaussiantalker.model import GaussianTalker
from dgtalker_engine.systems.gaussiantalker.train import train, train_frames
from dgtalker_engine.training import Progress, Run
from dgtalker_engine.training.bound_gaussians.density import DensityControl
from dgtalker_engine.training.bound_gaussians.model import BY_GAUSSIAN
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.head_evaluation import over_background
from dgtalker_engine.training.metrics import psnr


@pytest.fixture(scope="module")
def head(frames: ClipFrames) -> GaussianTalker:
    return train_frames(TINY, frames, Run())


def decibels(head: GaussianTalker, frames: ClipFrames, index: int) -> float:
    with torch.no_grad():
        cloud = head.without_neck(head.pose(frames.expression(index), frames.joint_pose(index), frames.turn(index)))
        mask = torch.from_numpy(frames.head(index))
        return psnr(over_background(frames, index, cloud), frames.frame(index), mask)


def same(one: GaussianTalker, other: GaussianTalker) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_head_learns_to_look_like_frames_that_it_was_not_trained_on(frames: ClipFrames, head: GaussianTalker) -> None:
    before = train_frames(replace(TINY, steps=1), frames, Run())
    for index in frames.split.test[:2]:
        assert decibels(head, frames, index) > max(22, decibels(before, frames, index) + 1)


def test_training_that_was_cancelled_goes_on_to_the_same_bits(
    frames: ClipFrames, head: GaussianTalker, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    run = Run(folder=tmp_path, progress=steps.append, progress_seconds=0, cancelled=lambda: len(steps) == 15)
    with pytest.raises(Cancelled):
        train_frames(TINY, frames, run)
    assert same(train_frames(TINY, frames, Run(folder=tmp_path)), head)


@torch.no_grad()
def test_the_jaws_slider_opens_the_mouth(head: GaussianTalker, model: FaceModel) -> None:
    weights = torch.zeros(len(model.expression_names))
    wide = weights.clone()
    wide[model.expression_names.index("jawOpen")] = 0.6
    heights = [head.pose(w).means[head.regions == Region.LIPS, 2] for w in (weights, wide)]
    shut, opened = (float(height.quantile(0.95) - height.quantile(0.05)) for height in heights)
    assert opened > shut + 0.005


def test_the_speakers_blendshapes_depend_on_the_expression(head: GaussianTalker, frames: ClipFrames) -> None:
    assert head.latent is not None
    assert head.blend_colours is not None
    one, other = (head.latent(frames.expression(i), frames.joint_pose(i)) for i in (0, 5))
    assert not torch.allclose(one, other)
    assert head.blend_colours.abs().max() > 0
    far = head.latent(torch.ones(frames.tracks.expression.shape[1]) * 50, frames.joint_pose(0))
    assert far.abs().max() <= TINY.latent_bound


def test_a_head_learns_how_light_changes_as_it_turns(model: FaceModel, tmp_path: Path) -> None:
    lit = ClipFrames(make_clip(tmp_path / "lit", shading=3.0), model, share=0.8)
    head = train_frames(replace(TINY, steps=48, density_control=False, completed=False), lit, Run())
    turns = torch.stack([lit.turn(i) for i in lit.split.training])
    rightmost, leftmost = turns[turns[:, 2].argmin()], turns[turns[:, 2].argmax()]

    @torch.no_grad()
    def brightness(turn: torch.Tensor | None) -> float:
        return float(head.pose(lit.expression(0), turn=turn).sh.mean())

    # what `make_clip` calls a turn that makes it brighter is one to the right, about -Z
    assert brightness(rightmost) > brightness(None) > brightness(leftmost)
    assert brightness(torch.zeros(3)) == brightness(None)


def test_added_gaussians_lie_on_the_triangles_of_their_parents(frames: ClipFrames) -> None:
    head = train_frames(replace(TINY, density_control=False), frames, Run())
    config = replace(TINY, density_gradient=0.0)
    density = DensityControl(head, config)
    parents = torch.arange(0, 50)
    gradients = torch.zeros(len(head), 3)
    gradients[parents] = 1.0
    density.observe(head.positions.detach(), gradients, frames.camera(0))
    count, triangles = len(head), head.triangles.clone()
    optimiser = torch.optim.Adam([getattr(head, name) for name in BY_GAUSSIAN])
    density.control(head, optimiser, torch.zeros(len(head)))
    assert len(head) == count + len(parents)
    assert torch.equal(head.triangles[count:], triangles[parents])
    assert all(len(getattr(head, name)) == len(head) for name in BY_GAUSSIAN)
    assert head.blend_positions is not None
    assert head.blend_positions.shape[1] == len(head)


def test_transparent_gaussians_are_dropped(frames: ClipFrames) -> None:
    head = train_frames(replace(TINY, steps=1), frames, Run())
    with torch.no_grad():
        head.opacity_logits[:100] = -6.0
    count = len(head)
    DensityControl(head, TINY).control(head, torch.optim.Adam(head.parameters()), torch.zeros(count))
    assert len(head) == count - 100


@pytest.mark.parametrize(
    ("switch", "unchanged"),
    [
        ({"learnable_barycentrics": False}, "barycentric_logits"),
        ({"blend_position": False}, "blend_positions"),
        ({"blend_rotation": False}, "blend_rotations"),
        ({"blend_colour": False}, "blend_colours"),
    ],
)
def test_what_a_switch_turns_off_is_not_learned(frames: ClipFrames, switch: dict[str, bool], unchanged: str) -> None:
    off = replace(TINY, steps=4, density_control=False, completed=False, **switch)
    start, end = train_frames(replace(off, steps=1), frames, Run()), train_frames(off, frames, Run())
    first, last = getattr(start, unchanged), getattr(end, unchanged)
    assert torch.equal(first, last) if isinstance(first, torch.Tensor) else first is last is None


def test_without_a_shell_hair_is_bound_to_the_face_models_scalp(frames: ClipFrames, model: FaceModel) -> None:
    head = train_frames(replace(TINY, steps=1, hair_shell=False, density_control=False, completed=False), frames, Run())
    assert len(head.faces) == len(model.faces)
    assert int((head.regions == Region.SCALP).sum()) == TINY.hair_gaussians


def test_losses_that_are_off_are_not_there(frames: ClipFrames) -> None:
    def terms(**switches: object) -> set[str]:
        told: list[Progress] = []
        train_frames(replace(TINY, steps=1, **switches), frames, Run(progress=told.append))
        return set(told[-1].losses)

    everything = terms()
    assert {"l1", "mouth", "ssim", "mask", "positions", "scales", "blendshapes", "semantic"} <= everything
    assert everything - terms(semantic_weight=0.0) == {"semantic"}
    assert everything - terms(attribute_losses=False) == {"positions", "scales", "tilt"}
    assert everything - terms(ssim_weight=0.0) == {"ssim"}


def test_the_perceptual_loss_takes_the_users_weights(frames: ClipFrames, tmp_path: Path) -> None:
    told: list[Progress] = []
    train_frames(replace(TINY, steps=2, vgg_weights=str(write_vgg(tmp_path))), frames, Run(progress=told.append))
    assert told[-1].losses["vgg"] > 0
    with pytest.raises(DGTalkerError, match="VGG-19"):
        train_frames(replace(TINY, vgg_weights=str(tmp_path / "missing.pth")), frames, Run())


def test_the_neck_is_part_of_the_head_but_not_of_what_goes_over_a_frame(
    frames: ClipFrames, head: GaussianTalker
) -> None:
    cloud = head.pose(frames.expression(0)).map(torch.detach)
    alone = head.without_neck(cloud)
    assert len(cloud) - len(alone) == int(head.necks.sum()) > 100
    assert alone.means[:, 2].min() > cloud.means[:, 2].min() + 0.03
    assert not len(train_frames(replace(TINY, steps=1, neck_gaussians=0), frames, Run()).necks.nonzero())


def test_tuning_the_face_moves_training_frames_only(frames: ClipFrames, tmp_path: Path) -> None:
    told: list[Progress] = []
    config = replace(TINY, steps=8, tune_face=True, density_control=False)
    head = train_frames(config, frames, Run(progress=told.append, folder=tmp_path))
    assert np.isfinite(told[-1].losses["l1"])
    assert same(train_frames(config, frames, Run(folder=tmp_path)), head)


def test_a_network_may_give_the_latent_pose(frames: ClipFrames) -> None:
    head = train_frames(replace(TINY, steps=6, latent="mlp"), frames, Run())
    assert head.latent is not None
    assert head.latent.mlp is not None
    assert head.pose(frames.expression(0)).means.isfinite().all()


def test_no_gaussian_is_a_needle_or_a_dot(head: GaussianTalker) -> None:
    _, _, scales = (getattr(head.pose(torch.zeros(52)), name) for name in ("means", "quats", "scales"))
    across = scales[:, [0, 2]]
    assert (across.amax(dim=1) / across.amin(dim=1)).max() < TINY.needle_bound * 1.2


def test_train_takes_a_clip(clip: Clip, model: FaceModel) -> None:
    shown: list[np.ndarray] = []
    run = Run(show=shown.append, preview_seconds=0)
    head = train(replace(TINY, steps=2), clip, model, run)
    assert len(head) > 0
    assert shown[0].shape == (clip.info.size, 2 * clip.info.size, 3)
