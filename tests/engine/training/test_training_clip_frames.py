from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_clips import make_clip, painted
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.capture.regions import frame_regions
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.training import clip_frames
from dgtalker_engine.training.clip_frames import ClipFrames, Split
from dgtalker_engine.training.head_evaluation import TURNS, evaluate, over_background, sheet


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clips") / "made")


@pytest.fixture(scope="module")
def frames(clip: Clip) -> ClipFrames:
    return ClipFrames(clip, face_model.load(), share=0.75)


def truth(frames: ClipFrames, index: int) -> Gaussians:
    """The cloud that the clip is a film of, without its neck."""
    cloud = painted(frames.face_model, frames.vertices(index))
    rows = torch.from_numpy(np.flatnonzero(frames.face_model.regions.numpy() != Region.NECK))
    return cloud.map(lambda tensor: tensor[rows])


def test_the_beginning_trains_and_the_end_tests() -> None:
    assert Split.of(10, 0.8) == Split(tuple(range(8)), (8, 9))
    assert Split.of(10, 1.0).test == ()


def test_a_heads_turn_is_from_the_mean_of_the_training_frames(frames: ClipFrames) -> None:
    turns = torch.stack([frames.turn(i) for i in range(len(frames))])
    assert turns[list(frames.split.training)].mean(dim=0).abs().max() < 1e-3
    assert turns[:, 2].abs().max() > 0.05  # the made head shakes about +Z
    assert turns[:, :2].abs().max() < 1e-5
    for index in (3, 20):
        between = Rotation.from_rotvec((turns[index] - turns[0]).numpy()).as_matrix()
        poses = frames.tracks.head_to_camera[[0, index], :3, :3]
        assert np.allclose(poses[0] @ between, poses[1], atol=1e-5)


def test_tracks_of_double_precision_pose_the_same_face(clip: Clip, frames: ClipFrames) -> None:
    tracks = clip.tracks
    double = replace(tracks, expression=tracks.expression.astype(float), pose=tracks.pose.astype(float))
    assert torch.equal(ClipFrames(clip, face_model.load(), tracks=double).vertices(4), frames.vertices(4))


def test_the_background_is_the_frame_but_for_the_head(frames: ClipFrames) -> None:
    head = frames.head(3)
    assert 0.05 < head.mean() < 0.6
    background, frame = frames.background(3).numpy(), frames.frame(3).numpy()
    assert np.array_equal(background[~head], frame[~head])
    # the plate goes on behind the head as it is around it
    assert background[head].std() < frame[head].std()


def test_smaller_views_are_means_of_larger_ones(frames: ClipFrames) -> None:
    whole, half = frames.view(2), frames.view(2, 2)
    height, width = half.head.shape
    means = whole.picture.reshape(height, 2, width, 2, 3).mean(dim=(1, 3))
    assert torch.allclose(half.picture, means, atol=2e-3)
    assert half.camera.width == frames.size // 2
    assert half.region == tuple(value // 2 for value in whole.region)
    x, y, width, height = whole.region
    assert torch.allclose(whole.picture, frames.frame(2)[y : y + height, x : x + width], atol=1e-3)


def test_the_mouth_of_a_view_is_where_the_lips_are(frames: ClipFrames) -> None:
    view = frames.view(0)
    lips = (view.labels == int(Region.LIPS)).nonzero().float().mean(dim=0)
    rows, columns = view.mouth
    assert rows.start < lips[0] < rows.stop
    assert columns.start < lips[1] < columns.stop


def test_the_neck_belongs_to_the_head_where_it_is_asked_for(frames: ClipFrames) -> None:
    with_neck = frames.view(0, neck=True)
    assert with_neck.head.shape == (frames.size, frames.size)
    assert with_neck.head.sum() > frames.view(0).head.sum() * 1.1


def test_a_clip_of_a_few_frames_is_refused(tmp_path: Path) -> None:
    short = make_clip(tmp_path / "short", frames=5)
    with pytest.raises(DGTalkerError, match="5 frames"):
        ClipFrames(short, face_model.load())


def test_a_clip_of_another_face_model_is_refused(clip: Clip) -> None:
    ours = face_model.load()
    with pytest.raises(DGTalkerError, match="another face model") as refused:
        ClipFrames(clip, replace(ours, neutral=1.01 * ours.neutral))
    assert "Capture the video again" in refused.value.hint


def test_frames_of_long_clips_are_kept_packed(clip: Clip) -> None:
    """At 512 pixels a quarter of a byte a pixel is 1 GB in ten minutes."""
    model = face_model.load()
    kept = [ClipFrames(_beginning(clip, 20), model)]  # loads what is loaded once
    sizes = []
    for frames in (20, len(clip)):
        tracemalloc.start()
        kept.append(ClipFrames(_beginning(clip, frames), model))
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert (sizes[1] - sizes[0]) / (len(clip) - 20) < 0.25 * clip.info.size**2


def test_what_was_packed_is_what_was_there(clip: Clip, frames: ClipFrames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_frames, "_MESHES", 1)
    few = ClipFrames(clip, face_model.load(), share=0.75)
    for index in (0, 7, 0):
        found = frame_regions(few.face_model, few.vertices(index).numpy(), few.camera(index), clip.mask(index))
        assert np.array_equal(few.head(index), found.head)
        assert np.array_equal(few.labels(index)[found.head], found.labels[found.head])
        assert torch.equal(few.vertices(index), frames.vertices(index))


def _beginning(clip: Clip, frames: int) -> Clip:
    tracks = clip.tracks
    by_frame = ("times", "landmarks", "arkit", "blink", "head_to_camera", "pose", "expression")
    fewer = replace(tracks, **{name: getattr(tracks, name)[:frames] for name in by_frame})
    return replace(clip, info=replace(clip.info, kept=clip.info.kept[:frames]), tracks=fewer)


def test_the_true_head_is_very_near_its_frames_and_a_moved_one_is_not(frames: ClipFrames) -> None:
    exact = evaluate(frames, lambda i: truth(frames, i), frames.split.test)

    def moved(index: int) -> Gaussians:
        cloud = truth(frames, index)
        return replace(cloud, means=cloud.means + torch.tensor([0.004, 0, 0]))

    worse = evaluate(frames, moved, frames.split.test)
    assert exact.psnr_head > 28
    assert exact.psnr_head > worse.psnr_head + 2
    assert exact.psnr > worse.psnr
    assert exact.ssim_head > worse.ssim_head
    assert 0.6 < exact.flicker < 1.2


def test_a_picture_over_its_background_is_a_whole_frame(frames: ClipFrames) -> None:
    picture = over_background(frames, 1, truth(frames, 1))
    assert picture.shape == (frames.size, frames.size, 3)
    assert float((picture - frames.frame(1))[:8].abs().max()) < 0.01


def test_a_sheet_shows_every_turn(frames: ClipFrames) -> None:
    pictures = sheet(frames, lambda i: truth(frames, i), [0, 5])
    assert pictures.shape == (2 * frames.size, len(TURNS) * frames.size, 3)
    first, middle = pictures[: frames.size, : frames.size], pictures[: frames.size, 2 * frames.size : 3 * frames.size]
    assert np.abs(first - middle).mean() > 0.01


def test_some_training_frames_are_spread_from_the_first_to_the_last(frames: ClipFrames) -> None:
    training = frames.split.training
    some = frames.spread(4)
    assert (len(some), some[0], some[-1]) == (4, training[0], training[-1])
    assert np.ptp(np.diff(some)) <= 1
    assert frames.spread(1000) == list(training)
