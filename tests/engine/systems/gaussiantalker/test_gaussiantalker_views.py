"""How a trained head looks from sides that no frame shows."""

from __future__ import annotations

from dataclasses import replace

import gaussiantalker_tools
import numpy as np
import pytest
import torch
from made_clips import painted

from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.gaussians import render
from dgtalker_engine.systems.gaussiantalker.model import GaussianTalker
from dgtalker_engine.systems.gaussiantalker.train import train_frames
from dgtalker_engine.training import Run
from dgtalker_engine.training.bound_gaussians.borrowing import borrowed
from dgtalker_engine.training.bound_gaussians.completion import complete
from dgtalker_engine.training.bound_gaussians.density import DensityControl
from dgtalker_engine.training.bound_gaussians.gaps import fill
from dgtalker_engine.training.bound_gaussians.seeding import Seeds, seed
from dgtalker_engine.training.bound_gaussians.shell import around_person, fit_shell, seen_through
from dgtalker_engine.training.bound_gaussians.surroundings import Surroundings
from dgtalker_engine.training.bound_gaussians.training import constrain
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.head_evaluation import over_background, turned
from dgtalker_engine.training.metrics import psnr
from dgtalker_engine.training.view_losses import before_colour

TINY = replace(gaussiantalker_tools.TINY, steps=40, blendshapes=2)


@pytest.fixture(scope="module")
def seeds(frames: ClipFrames) -> Seeds:
    return seed(frames, TINY, np.random.default_rng(0))


@pytest.fixture
def begun(frames: ClipFrames, seeds: Seeds) -> GaussianTalker:
    return GaussianTalker(TINY, frames.face_model, seeds, None)


def picture(head: GaussianTalker, frames: ClipFrames, yaw: float) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        image = render(head.pose(frames.expression(20)), turned(frames.camera(20), yaw, 0))
    return torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)


def true_decibels(head: GaussianTalker, frames: ClipFrames, model: FaceModel, yaw: float) -> float:
    truth = render(painted(model, frames.vertices(20)), turned(frames.camera(20), yaw, 0))
    return psnr(picture(head, frames, yaw)[0], torch.as_tensor(truth.rgb), torch.as_tensor(truth.alpha) > 0.9)


def test_the_side_of_a_head_looks_like_the_person(frames: ClipFrames, model: FaceModel) -> None:
    head = train_frames(TINY, frames, Run())
    for yaw in (-30, 30):
        assert true_decibels(head, frames, model, yaw) > 21
        assert picture(head, frames, yaw)[1].amax() > 0.99


def test_what_is_hardly_seen_goes_back_to_its_seed(frames: ClipFrames, seeds: Seeds, begun: GaussianTalker) -> None:
    hold = Surroundings(TINY, frames, seeds)
    hold.refresh(begun)
    held = hold.held > 0.9
    assert 0.1 < held.float().mean() < 0.9
    assert not held[begun.regions == Region.EYES].any()
    wanted = begun.colours.detach().clone()
    with torch.no_grad():
        begun.colours.add_(torch.randn_like(begun.colours))
        begun.positions[:, 1] = 0.002 * torch.randn(len(begun))
    spoiled = begun.colours.detach().clone()
    optimiser = torch.optim.Adam([begun.colours, begun.positions], lr=0.05)
    for _ in range(80):
        optimiser.zero_grad()
        torch.stack(list(hold.losses(begun).values())).sum().backward()
        optimiser.step()
    free = hold.held == 0
    assert (begun.colours - wanted)[held].abs().mean() < 0.2 * (spoiled - wanted)[held].abs().mean()
    assert torch.equal(begun.colours[free], spoiled[free])


def test_a_training_with_held_gaussians_is_kept_whole_in_its_checkpoint(
    frames: ClipFrames, seeds: Seeds, begun: GaussianTalker
) -> None:
    hold, again = (Surroundings(TINY, frames, seeds) for _ in range(2))
    hold.refresh(begun)
    again.load_state_dict(hold.state_dict())
    with torch.no_grad():
        assert hold.losses(begun) == again.losses(begun)


def test_spoiled_gaussians_that_no_frame_shows_are_replaced_and_frames_stay(
    frames: ClipFrames, seeds: Seeds, begun: GaussianTalker
) -> None:
    with torch.no_grad():
        begun.opacity_logits.fill_(6.0)
        begun.log_scales.add_(0.7)
        begun.colours[begun.pose(torch.zeros(52)).means[:, 1] > 0.06] = 2.0
    before, behind = picture(begun, frames, 0)[0], picture(begun, frames, 150)[0]
    complete(begun, frames, seeds)
    assert psnr(picture(begun, frames, 0)[0], before) > 40
    assert picture(begun, frames, 150)[0].mean() < behind.mean() - 0.02


def test_gaps_that_only_a_view_from_the_side_looks_through_are_filled(
    frames: ClipFrames, begun: GaussianTalker, seeds: Seeds
) -> None:
    def gaps() -> list[int]:
        return [
            int((picture(begun, frames, yaw)[1] < 0.9)[rows].sum()) for yaw, rows in zip((-30, 30), whole, strict=True)
        ]

    with torch.no_grad():
        begun.opacity_logits.fill_(6.0)
        begun.log_scales.add_(0.7)
        whole = [picture(begun, frames, yaw)[1] > 0.95 for yaw in (-30, 30)]
        begun.log_scales[begun.pose(torch.zeros(52)).means[:, 1] > 0] -= 1.7
    before, alpha = picture(begun, frames, 0)
    open_before = gaps()
    assert min(open_before) > 100
    complete(begun, frames, seeds)
    assert max(gaps()) < 0.5 * min(open_before)
    assert psnr(picture(begun, frames, 0)[0], before, alpha > 0.95) > 30


def test_gaps_that_open_in_the_near_side_are_filled_while_training_and_the_training_goes_on(
    frames: ClipFrames, begun: GaussianTalker, seeds: Seeds
) -> None:
    def open_pixels() -> int:
        with torch.no_grad():
            head = begun.pose(torch.zeros(52))
            camera = turned(frames.camera(20), 30, 0)
            near = begun.facing(frames.face_model.neutral, camera)
            whole, front = (render(cloud, camera).alpha for cloud in (head, head.map(lambda tensor: tensor[near])))
        return int(((whole > 0.9) & (front < 0.5)).sum())

    with torch.no_grad():
        begun.opacity_logits.fill_(6.0)
        begun.log_scales.add_(0.7)
        closed = open_pixels()
        # of the person's right cheek and temple nothing is left
        begun.opacity_logits[begun.outer & (begun.pose(torch.zeros(52)).means[:, 0] < -0.045)] = -9.0
    before = open_pixels()
    optimiser = torch.optim.Adam([begun.colours, begun.opacity_logits], lr=0.01)
    begun.pose(torch.zeros(52)).sh.sum().backward()
    optimiser.step()
    count = len(begun)
    fill(begun, frames, seeds, optimiser)
    assert len(begun) > count
    assert open_pixels() - closed < 0.5 * (before - closed)
    begun.pose(torch.zeros(52)).sh.sum().backward()
    optimiser.step()
    assert torch.isfinite(begun.colours).all()


def test_a_head_without_gaps_is_left_as_it_is(frames: ClipFrames, begun: GaussianTalker, seeds: Seeds) -> None:
    count = len(begun)
    nothing = replace(seeds, outside=torch.zeros_like(seeds.outside))
    fill(begun, frames, nothing, torch.optim.Adam(begun.parameters()))
    assert len(begun) == count


def test_the_forehead_under_hair_is_held_and_lids_are_not(begun: GaussianTalker) -> None:
    upper = begun.regions == Region.UPPER_FACE
    assert begun.lids[upper].any()
    assert not (begun.lids & begun.outer).any()
    assert begun.outer[upper & ~begun.lids].all()


def test_what_is_held_is_neither_split_nor_dropped(begun: GaussianTalker) -> None:
    density = DensityControl(begun, TINY)
    held = torch.zeros(len(begun))
    held[::2] = 1.0
    with torch.no_grad():
        begun.opacity_logits.fill_(-9.0)
    widths = begun.log_scales[::2].clone()
    count = len(begun)
    density.control(begun, torch.optim.Adam(begun.parameters()), held)
    assert torch.equal(begun.log_scales, widths)
    assert len(begun) == len(widths) < count


def test_eyes_stay_behind_lids_and_nothing_is_brighter_than_white(begun: GaussianTalker) -> None:
    with torch.no_grad():
        begun.positions.copy_(0.002 * torch.randn_like(begun.positions))
        begun.colours.mul_(5)
    constrain(begun, TINY)
    height = begun.positions[:, 1]
    assert (height[begun.regions == Region.EYES] <= 0).all()
    assert (height[begun.lids] >= 0).all()
    assert (0.5 + 0.2820948 * begun.colours).amax() < 1.001


def test_hair_that_no_frame_shows_has_strands_and_no_jewel_in_it() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(4000, 3))
    points *= 0.1 / np.linalg.norm(points, axis=1, keepdims=True)
    strands = 0.3 + 0.08 * np.sign(np.sin(900 * points[:, [0]])) * np.ones(3)
    known, hair = points[:, 1] < 0, np.full(4000, Region.SCALP)
    jewel = known & (np.linalg.norm(points - (0.098, -0.01, -0.02), axis=1) < 0.006)
    strands[jewel] = (1.0, 0.9, 0.4)
    hidden = borrowed(points, np.where(known[:, None], strands, 0), known, hair, np.ones(4000, bool))[~known]
    assert 0.5 < hidden.std(axis=0).mean() / strands[known & ~jewel].std(axis=0).mean() < 1.5
    assert (hidden[:, 0] > 0.7).mean() < 0.02


def test_the_far_side_is_known_from_the_near_one(frames: ClipFrames, begun: GaussianTalker) -> None:
    facing = begun.facing(frames.vertices(20), frames.camera(20))
    with torch.no_grad():
        means = begun.pose(frames.expression(20)).means
    assert facing[(begun.regions == Region.SCALP) & (means[:, 1] > 0.1)].float().mean() < 0.05
    assert facing[begun.regions == Region.UPPER_FACE].float().mean() > 0.95
    assert facing[begun.regions == Region.TEETH].all()


def test_completing_a_head_leaves_test_frames_as_they_were_with_and_without_the_neck(
    frames: ClipFrames, seeds: Seeds, begun: GaussianTalker
) -> None:
    with torch.no_grad():
        begun.opacity_logits.fill_(6.0)
        begun.log_scales.add_(0.7)

    @torch.no_grad()
    def decibels() -> np.ndarray:
        whole = [begun.pose(frames.expression(i), frames.joint_pose(i)) for i in frames.split.test]
        return np.array([
            [psnr(over_background(frames, i, each), frames.frame(i)) for each in (cloud, begun.without_neck(cloud))]
            for i, cloud in zip(frames.split.test, whole, strict=True)
        ])  # fmt: skip

    before = decibels()
    complete(begun, frames, seeds)
    assert np.abs(decibels() - before).max() < 0.3


def test_the_shell_does_not_reach_where_frames_show_the_wall(frames: ClipFrames) -> None:
    shell = fit_shell(frames)
    through = [
        seen_through(frames.camera(index), shell.vertices, around_person(frames, index))
        for index in frames.split.training
    ]
    assert (np.mean(through, axis=0) > 0.5).mean() < 0.01


def test_seeds_take_no_colour_from_behind_the_head(frames: ClipFrames, seeds: Seeds, model: FaceModel) -> None:
    colours = 0.5 + 0.2820948 * seeds.colours
    outer = torch.isin(seeds.regions[seeds.triangles], torch.tensor([0, 6]))
    # The wall is bluish green everywhere, and nothing of the head is.
    assert (colours[outer, 1] > colours[outer, 0] + 0.05).float().mean() < 0.01


def test_a_view_before_another_colour_keeps_the_head_and_its_edge(frames: ClipFrames) -> None:
    view = frames.view(0, 2)
    other = before_colour(view, torch.tensor([1.0, 0.0, 1.0]))
    unsure = (view.head > 0) | (view.certain == 0)
    assert torch.equal(other.picture[unsure], view.picture[unsure])
    assert (other.picture[~unsure] == torch.tensor([1.0, 0.0, 1.0])).all()
    assert torch.equal(other.background[~unsure], other.picture[~unsure])
