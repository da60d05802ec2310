"""A clip on the disk: what was written comes back, and what is damaged is said."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dgtalker_engine.capture import pictures
from dgtalker_engine.capture.clip import (
    Clip,
    ClipInfo,
    Crop,
    Rejected,
    Source,
    frame_path,
    mask_path,
    write_info,
)
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.errors import DGTalkerError

SIZE = 64


def tracks(count):
    rng = np.random.default_rng(1)
    pose = np.tile(np.eye(4, dtype=np.float32), (count, 1, 1))
    pose[:, 2, 3] = 0.8
    return Tracks(
        times=np.arange(count) / 25,
        landmarks=rng.random((count, 478, 3), np.float32) * SIZE,
        arkit=rng.random((count, 52), np.float32),
        blink=rng.random((count, 2), np.float32),
        focal=120.0,
        head_to_camera=pose,
        pose=np.zeros((count, 2, 3), np.float32),
        identity=rng.random(50, np.float32),
        expression=rng.random((count, 52), np.float32),
        landmark_offsets=np.zeros((478, 3), np.float32),
    )


@pytest.fixture
def clip(tmp_path):
    kept = (0, 1, 3)
    info = ClipInfo(
        fps=25.0,
        size=SIZE,
        source=Source(name="a.mp4", digest="0", width=100, height=90, rotation=90, start=1.0, end=1.2),
        crop=Crop(x=3, y=4, side=80),
        kept=kept,
        rejected=(Rejected(frame=2, time=0.08, reason="blurred"),),
        notes=("A note.",),
        consent={"status": "self"},
        seconds={"fit": 1.5},
    )
    for folder in ("frames", "masks"):
        (tmp_path / folder).mkdir()
    ramp = np.linspace(0, 255, SIZE).astype(np.uint8)
    for number in kept:
        picture = np.stack(
            [np.tile(ramp, (SIZE, 1)), np.tile(ramp[:, None], (1, SIZE)), np.full((SIZE, SIZE), 9 * number)], -1
        )
        frame_path(tmp_path, number).write_bytes(pictures.encode_jpeg(picture.astype(np.uint8)))
        mask_path(tmp_path, number).write_bytes(pictures.encode_png(np.tile(ramp, (SIZE, 1))))
    tracks(3).save(tmp_path / "tracks.safetensors")
    write_info(tmp_path, info)
    return Clip.load(tmp_path)


def test_a_clip_comes_back_as_it_was_written(clip):
    again = Clip.load(clip.folder)
    assert again.info == clip.info
    assert len(again) == 3
    for field in dataclasses.fields(Tracks):
        assert np.array_equal(getattr(again.tracks, field.name), getattr(tracks(3), field.name)), field.name


def test_pictures_lose_nothing_that_one_sees(clip):
    frame = clip.frame(2).astype(float)
    ramp = np.linspace(0, 255, SIZE)
    assert np.abs(frame[..., 0] - ramp).mean() < 2
    assert np.abs(frame[..., 1] - ramp[:, None]).mean() < 2
    assert np.abs(frame[..., 2] - 27).mean() < 2, "frames are those that were kept"
    assert np.array_equal(clip.mask(0)[0], ramp.astype(np.uint8))


def test_its_camera_looks_through_the_middle_at_any_scale(clip):
    for scale, side in ((1.0, 64), (0.5, 32)):
        camera = clip.camera(1, scale)
        assert (camera.width, camera.height) == (side, side)
        assert np.allclose(camera.K, [[1.875 * side, 0, side / 2], [0, 1.875 * side, side / 2], [0, 0, 1]])
        assert camera.world_to_camera[2, 3] == pytest.approx(0.8)


def test_new_tracks_take_the_place_of_the_old_ones(clip):
    moved = dataclasses.replace(clip.tracks, expression=clip.tracks.expression + 1)
    clip.save_tracks(moved, photometric=True)
    again = Clip.load(clip.folder)
    assert again.info.photometric
    assert np.array_equal(again.tracks.expression, moved.expression)
    with pytest.raises(DGTalkerError, match="3 frames, the tracks 2"):
        clip.save_tracks(tracks(2))


def test_a_mute_clip_has_no_samples(clip):
    samples, rate = clip.sound()
    assert len(samples) == 0
    assert rate > 0


def test_what_is_missing_or_damaged_is_said(clip, tmp_path):
    folder = clip.folder
    with pytest.raises(DGTalkerError, match="is no clip") as error:
        Clip.load(folder / "frames")
    assert "dgtalker_engine capture" in error.value.hint
    kept = (folder / "clip.json").read_text()
    for text, words in (
        (kept[:-20], "damaged"),
        (json.dumps({**json.loads(kept), "version": 99}), "version 99"),
        (json.dumps({**json.loads(kept), "surplus": 1}), "damaged"),
        (json.dumps({**json.loads(kept), "kept": [0, 1]}), "2 frames, but tracks of 3"),
    ):
        (folder / "clip.json").write_text(text)
        with pytest.raises(DGTalkerError, match=words):
            Clip.load(folder)
    (folder / "clip.json").write_text(kept)
    (folder / "tracks.safetensors").write_bytes(b"nothing")
    with pytest.raises(DGTalkerError, match=r"tracks.safetensors cannot be read"):
        Clip.load(folder)
    tracks(3).save(folder / "tracks.safetensors")
    frame_path(folder, 1).write_bytes(b"nothing")
    with pytest.raises(DGTalkerError, match=r"000001.jpg is damaged"):
        Clip.load(folder).frame(1)
    frame_path(folder, 1).unlink()
    with pytest.raises(DGTalkerError, match=r"000001.jpg is missing"):
        Clip.load(folder)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("landmarks", np.zeros((3, 468, 3), np.float32), "landmarks have the shape"),
        ("blink", np.zeros((2, 2), np.float32), "blink have the shape"),
        ("expression", np.full((3, 52), np.nan, np.float32), "not finite"),
        ("times", np.array([0.0, 0.2, 0.1]), "do not rise"),
        ("focal", 0.0, "focal length"),
    ],
)
def test_tracks_check_themselves(name, value, words):
    with pytest.raises(DGTalkerError, match=words):
        dataclasses.replace(tracks(3), **{name: value})
