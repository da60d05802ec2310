"""Films with known truth."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from avatars import films

from dgtalker_engine.systems.face_model import painted_head


@pytest.fixture(scope="module", params=["wren", "face-1"])
def film(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painted_head, "_GAUSSIANS", 8000)
        return films.make(request.param, folder, seconds=0.4, size=96, fps=10, instants=1)


def test_a_film_is_a_video_with_sound_that_shows_a_head_before_a_wall(film):
    with av.open(str(film.video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(film.video)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert len(pictures) == len(film.head_to_camera) == 4
    assert pictures[0].shape == (96, 96, 3)
    assert len(sound) / rate == pytest.approx(0.4, abs=0.1)
    wall = np.array(films.WALL) * 255
    assert np.abs(pictures[0][:8, :8] - wall).max() < 8
    assert np.abs(pictures[0][44:52, 44:52] - wall).max() > 30


def test_views_go_around_the_head_and_positive_ones_see_its_left_side(film):
    assert [view.yaw for view in film.views] == list(films.YAWS)
    before = np.array(film.head_to_camera[film.views[0].frame])
    pictures = {view.yaw: film.picture(view) for view in film.views}
    for view in film.views:
        pose = np.array(view.head_to_camera)
        np.testing.assert_allclose(pose[:3, 3], before[:3, 3])
        turned = np.degrees(np.arccos((np.trace(pose[:3, :3] @ before[:3, :3].T) - 1) / 2))
        assert turned == pytest.approx(abs(view.yaw))
        camera = -pose[:3, :3].T @ pose[:3, 3]
        there = -before[:3, :3].T @ before[:3, 3]
        assert np.sign(camera[0] - there[0]) == np.sign(view.yaw)
    assert np.abs(pictures[-45.0].astype(float) - pictures[45.0]).mean() > 4


def test_another_models_origin_is_found_by_the_eyes(film):
    scale, away = 1.3, np.array([0.0, 0.02, 0.01])
    tracked = scale * np.array(film.eyes) + away
    np.testing.assert_allclose(films.origin_in(film, tracked), away, atol=1e-9)
    pose = np.array(film.head_to_camera[0])
    turned = films.around_head(pose, 30.0, away)
    np.testing.assert_allclose(turned[:3, :3] @ away + turned[:3, 3], pose[:3, :3] @ away + pose[:3, 3], atol=1e-9)


def test_with_another_lens_the_camera_stands_where_the_head_looks_as_large(tmp_path):
    settings = {"seconds": 0.1, "size": 64, "fps": 10, "instants": 1}
    usual, wide = (films.make("wren", tmp_path / str(f), focal=f, **settings) for f in (2.2, 1.1))
    assert wide.focal == usual.focal / 2
    np.testing.assert_allclose(np.array(wide.head_to_camera)[:, 2, 3], np.array(usual.head_to_camera)[:, 2, 3] / 2)


def test_what_is_there_is_kept_and_other_settings_make_another_film(tmp_path):
    settings = {"seconds": 0.4, "size": 64, "fps": 10, "instants": 1}
    film = films.make("wren", tmp_path, **settings)
    made = film.video.stat().st_mtime_ns
    assert films.make("wren", tmp_path, **settings) == film
    assert film.video.stat().st_mtime_ns == made
    (tmp_path / "film.json").unlink()
    first = tmp_path / film.views[0].picture
    kept = first.stat().st_mtime_ns
    films.make("wren", tmp_path, **settings)
    assert first.stat().st_mtime_ns == kept
    again = films.make("wren", tmp_path, **{**settings, "size": 48})
    assert again.picture(again.views[0]).shape == (48, 48, 3)


def test_a_picture_that_stands_elsewhere_is_moved_onto_the_truth():
    truth = cv2.GaussianBlur(np.random.default_rng(0).random((96, 96, 3)), (0, 0), 6)
    moved = np.roll(truth, (-5, 11), (0, 1))
    assert films.shift_onto(moved, truth, np.ones((96, 96), bool)) == (5, -11)
