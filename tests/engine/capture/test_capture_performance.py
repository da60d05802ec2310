"""An actor's face becomes curves: from landmarks whose truth is known, and from films of a built-in head."""

from __future__ import annotations

import json
import subprocess
import sys

import made_videos
import numpy as np
import pytest
from made_faces import made_face

from dgtalker_engine.capture.face_curves import ObservedFace, gaps, solve
from dgtalker_engine.capture.face_curves.filters import cored
from dgtalker_engine.capture.face_curves.head import head_turns
from dgtalker_engine.capture.face_curves.solve import NAMES
from dgtalker_engine.capture.performance_from_video import performance_from_video
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.performance import exchange
from dgtalker_engine.server.video_capture import capture_performance

FPS = 25.0
_AXES = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
"""A camera's axes to those of the landmarker's rotations."""
_TO_HEAD = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def seen(*, frames: int = 150, noise: float = 0.3, scores: float = 0.0) -> tuple[ObservedFace, np.ndarray]:
    """A made face as the landmarker shows it, and its true expression (T, 52)."""
    made = made_face(frames=frames, noise=noise)
    rotations = _AXES @ made.head_to_camera[:, :3, :3] @ _TO_HEAD
    said = np.clip(scores + 0.6 * made.expression, 0, 1)
    return ObservedFace(fps=FPS, landmarks=made.landmarks, scores=said, rotations=rotations), made.expression


def curve(weights: np.ndarray, name: str) -> np.ndarray:
    return weights[:, NAMES.index(name)]


def test_jaws_blinks_and_smiles_are_those_of_the_face():
    face, truth = seen(scores=0.1)
    solved = solve(face)
    for name, least in (("jawOpen", 0.97), ("eyeBlinkLeft", 0.85), ("mouthSmileLeft", 0.9), ("browInnerUp", 0.9)):
        assert np.corrcoef(curve(solved.weights, name), truth[:, NAMES.index(name)])[0, 1] > least, name
    assert 0.25 < curve(solved.weights, "jawOpen").max() < 0.6
    assert solved.blinks.tolist() == pytest.approx([74.5], abs=2.0)
    assert curve(solved.weights, "eyeBlinkLeft").max() > 0.99


def test_lips_that_touch_in_the_video_are_closed():
    face, truth = seen()
    solved = solve(face)
    shut = truth[:, NAMES.index("jawOpen")] == 0
    apart = curve(solved.weights, "jawOpen") - curve(solved.weights, "mouthClose")
    assert np.quantile(apart[shut], 0.9) < 0.05
    assert solved.contact[shut].mean() > 0.8
    assert solved.contact[truth[:, NAMES.index("jawOpen")] > 0.2].max() < 0.1


def test_offsets_of_scores_at_rest_are_nothing():
    face, _ = seen(scores=0.25)
    weights = solve(face).weights
    for name in ("noseSneerLeft", "cheekPuff", "mouthFrownLeft", "mouthRollUpper"):
        assert curve(weights, name).max() < 0.02, name


def test_a_still_face_does_not_flicker():
    made = made_face(frames=100)
    random = np.random.default_rng(1)
    landmarks = made.landmarks[:1] + random.normal(0, 0.3, (100, 478, 3))
    scores = np.clip(0.2 + random.normal(0, 0.02, (100, 52)), 0, 1)
    rotations = np.tile(np.eye(3), (100, 1, 1))
    weights = solve(ObservedFace(fps=FPS, landmarks=landmarks, scores=scores, rotations=rotations)).weights
    assert weights.std(axis=0).max() < 0.02


def test_the_head_turns_as_it_does_in_the_video():
    turns = head_turns(seen(frames=60, noise=0.0)[0].rotations, FPS)
    phase = np.arange(60) / 59
    for i, (component, size) in enumerate(((2, 0.05), (0, 0.1), (1, 0.15))):
        angle = (0.1 * np.sin(5 * phase), 0.15 * np.cos(4 * phase), 0.05 * np.sin(3 * phase))
        assert abs(np.corrcoef(turns[:, i], [angle[1], angle[0], angle[2]][i])[0, 1]) > 0.9, (component, size)


def test_short_gaps_are_bridged_and_long_ones_come_to_rest():
    face, _ = seen(frames=150)
    for gap in (slice(40, 44), slice(90, 140)):
        face.landmarks[gap] = np.nan
        face.scores[gap] = np.nan
        face.rotations[gap] = np.nan
    weights = solve(face).weights
    assert np.all(np.isfinite(weights))
    assert np.abs(np.diff(weights[39:45], axis=0)).max() < 0.3
    assert np.abs(weights[110:118]).max() == 0.0
    assert gaps.runs(~face.seen) == [(40, 44), (90, 140)]


def test_a_video_that_hardly_shows_the_face_is_refused():
    face, _ = seen(frames=20)
    face.landmarks[3:] = np.nan
    with pytest.raises(DGTalkerError, match="Only 3 pictures"):
        solve(face)


def test_noise_goes_and_events_stay():
    random = np.random.default_rng(0)
    curve = random.normal(0, 0.01, 200)
    curve[100:103] += 1.0
    smooth = cored(curve, 2.0, 0.04)
    assert smooth[20:80].std() < 0.006
    assert smooth[101] > 0.98


@pytest.fixture(scope="module")
def film(tmp_path_factory, landmarker):
    path = tmp_path_factory.mktemp("film") / "robin.mp4"
    return made_videos.write_video(path, made_videos.talking(48), sound=0.1 * np.ones(16000 * 2))


def test_a_film_of_a_head_gives_its_curves_back(film, tmp_path):
    assert main(["capture", str(film), "--performance", "-o", str(tmp_path / "robin.json")]) == 0
    performance = exchange.read(tmp_path / "robin.json")
    assert performance.fps == FPS
    assert performance.frames == 48
    jaws = np.tile([0.0, 0.2, 0.4, 0.6, 0.6, 0.4, 0.2, 0.0], 6)
    assert np.corrcoef(performance.curve("jawOpen"), jaws)[0, 1] > 0.95
    shut = np.array([i % 16 in (9, 10) for i in range(48)])
    blink = performance.curve("eyeBlinkLeft")
    assert blink[shut].reshape(3, 2).max(axis=1).min() > 0.9
    assert np.quantile(blink[~shut], 0.75) < 0.15


def test_a_recording_that_does_not_begin_at_zero_has_no_rest_before_it(tmp_path):
    path = made_videos.write_video(tmp_path / "broadcast.ts", made_videos.talking(16), times=1.4 + np.arange(16) / 25)
    captured = performance_from_video(path, progress=lambda fraction, text: None)
    assert captured.performance.frames == 16


def test_curves_are_written_for_other_programs_too(film, tmp_path):
    path = tmp_path / "robin.csv"
    assert main(["capture", str(film), "--performance", "--seconds", "0.5", "-o", str(path)]) == 0
    header = path.read_text(encoding="utf-8").splitlines()[0]
    assert "JawOpen" in header
    assert "HeadYaw" in header


def test_what_is_no_video_is_refused_in_a_sentence(tmp_path, capsys):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert main(["capture", str(tmp_path / "a.mp4"), "--performance", "-o", str(tmp_path / "a.json")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "a.json").exists()


def test_a_face_model_has_no_part_in_a_performance_and_that_is_said(tmp_path, capsys):
    model = ["--face-model", str(tmp_path / "flame.pkl")]
    assert main(["capture", str(tmp_path / "a.mp4"), "--performance", "-o", str(tmp_path / "a.json"), *model]) == 1
    assert "no face model is fitted" in capsys.readouterr().err


def test_a_video_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DGTalkerError, match="There is no video"):
        performance_from_video(tmp_path / "none.mp4", progress=lambda *_: None)


def test_a_child_process_captures_with_progress_and_is_ended_by_a_cancel(film):
    told: list[tuple[float, str]] = []
    header, body = capture_performance({"path": str(film)}, lambda fraction, text: told.append((fraction, text)))
    assert header["has_sound"] is True
    assert header["sound_begins"] == pytest.approx(0.0, abs=0.01)
    assert len(json.loads(bytes(body[0]))["weights"]) == 48
    assert any("Tracking the face" in text for _, text in told)

    def stop(fraction: float, text: str) -> None:
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        capture_performance({"path": str(film)}, stop)


def test_what_looks_at_a_performance_loads_no_torch():
    """It would take longer than a short video."""
    program = "import sys, dgtalker_engine.capture.performance_from_video; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-I", "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert answer.stdout == "False\n"
