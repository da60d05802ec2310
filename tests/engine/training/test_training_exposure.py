"""Cameras whose exposure drifts, on films of a made face."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_clips import make_clip

from dgtalker_engine.capture import face_model, pictures
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.exposure import gains
from dgtalker_engine.training.plate import plate

DRIFT = 1 + np.array([0.06, 0.04, 0.02]) * np.sin(np.linspace(-1.5, 1.5, 24))[:, None]


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clips") / "even")


def relit(even: Clip, folder: Path, *, head: bool = True) -> Clip:
    """The clip in a light that drifts, or with a background alone that does."""
    shutil.copytree(even.folder, folder)
    clip = Clip.load(folder)
    for index, gain in enumerate(DRIFT):
        picture = clip.frame(index) * np.where(head | (clip.mask(index) < 128)[..., None], gain, 1)
        clip.frame_path(index).write_bytes(pictures.encode_jpeg(picture.clip(0, 255).round().astype(np.uint8)))
    return clip


@pytest.fixture(scope="module")
def drifting(even: Clip, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return relit(even, tmp_path_factory.mktemp("clips") / "drifting")


def test_a_drift_of_the_light_is_measured(drifting: Clip) -> None:
    np.testing.assert_allclose(gains(drifting), DRIFT / np.median(DRIFT, axis=0), atol=0.012)


def test_light_that_stays_is_left_as_it_is(even: Clip) -> None:
    assert (gains(even) == 1).all()


def test_a_screen_that_flickers_behind_the_person_is_no_drift(even: Clip, tmp_path: Path) -> None:
    assert (gains(relit(even, tmp_path / "screen", head=False)) == 1).all()


def test_a_face_that_never_changes_tells_of_no_drift(even: Clip, tmp_path: Path) -> None:
    clip = relit(even, tmp_path / "statue", head=False)
    for index in range(len(clip)):
        picture = np.where((clip.mask(index) > 0)[..., None], 128, clip.frame(index)).astype(np.uint8)
        picture[24:72, 24:72] = 128
        clip.frame_path(index).write_bytes(pictures.encode_jpeg(picture))
    assert (gains(clip) == 1).all()


def test_who_waits_is_told_how_far_the_measurement_is(even: Clip) -> None:
    told: list[float] = []
    gains(even, told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_what_is_behind_the_person_is_in_the_usual_light(even: Clip) -> None:
    usual = plate(even, np.ones((len(even), 3), np.float32))
    darker = plate(even, np.full((len(even), 3), 2, np.float32))
    np.testing.assert_allclose(darker, usual / 2, atol=1.5)


def test_a_drift_does_not_reach_what_is_learned(even: Clip, drifting: Clip) -> None:
    model = face_model.load()
    steady, corrected = ClipFrames(even, model), ClipFrames(drifting, model)

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.abs(one - other).mean())

    first, last = 1, len(even) - 2
    for index in (first, last):
        learned, wanted = corrected.view(index).picture.numpy(), steady.view(index).picture.numpy()
        shown = corrected.frame(index).numpy()
        x, y, width, height = corrected.view(index).region
        assert apart(learned, wanted) < 0.3 * apart(shown[y : y + height, x : x + width], wanted)
