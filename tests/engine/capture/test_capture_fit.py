"""A face model fitted to landmarks, against faces whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_faces import MadeFace, made_face

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.fit import Fit, fit_landmarks
from dgtalker_engine.capture.fit.fit import spread
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.rig import ARKIT_NAMES

LIPS, LIDS = (13, 14), (159, 145)


def ignore(done: float, what: str) -> None:
    pass


def fitted(face: MadeFace) -> Fit:
    return fit_landmarks(face_model.load(), face.landmarks, face.expression, face.blink, face.times, face.size, ignore)


def degrees(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Between rotations (T, 3, 3)."""
    cosine = (np.einsum("tij,tij->t", first, second) - 1) / 2
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def opening(points: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    return np.linalg.norm(points[:, pair[0], :2] - points[:, pair[1], :2], axis=1)


@pytest.fixture(scope="module")
def face() -> MadeFace:
    return made_face(noise=0.3)


@pytest.fixture(scope="module")
def fit(face: MadeFace) -> Fit:
    return fitted(face)


def test_the_fitted_face_lies_over_the_landmarks(face: MadeFace, fit: Fit) -> None:
    assert fit.error.max() < 1.0
    assert fit.reprojected.shape == (20, 478, 2)


def test_the_head_turns_as_it_did(face: MadeFace, fit: Fit) -> None:
    found, true = fit.head_to_camera[:, :3, :3], face.head_to_camera[:, :3, :3]
    # A constant turn of the head and the person's shape explain each other.
    apart = degrees(found @ found[:1].transpose(0, 2, 1), true @ true[:1].transpose(0, 2, 1))
    assert np.median(apart) < 0.5
    assert degrees(found, true).max() < 3


def origin_behind_the_face(identity: np.ndarray) -> float:
    """How far behind the eyes a person's origin lies, by the distance between them."""
    model = face_model.load()
    rest = model.vertices(torch.from_numpy(identity.astype(np.float32)), torch.zeros(0))
    left, right = (model.joint_regressor @ rest).numpy()
    return float(-(left + right)[1] / 2 / np.linalg.norm(left - right))


@pytest.mark.parametrize("focal", [1.0, 3.5])
def test_the_head_stands_where_it_stood_with_any_lens(focal: float) -> None:
    face = made_face(noise=0.3, focal=focal, seed=3)
    fit = fitted(face)
    nearer = fit.head_to_camera[:, 2, 3] / face.head_to_camera[:, 2, 3]
    assert np.abs(np.log(fit.focal / face.focal)).max() < 0.45
    assert np.abs(np.log(nearer * face.focal / fit.focal)).max() < 0.1
    assert abs(origin_behind_the_face(fit.identity) / origin_behind_the_face(face.identity) - 1) < 0.05


def test_an_average_face_is_taken_for_one(face: MadeFace) -> None:
    model = face_model.load()
    rest = (model.landmarks(model.neutral) + model.landmark_bias).double().numpy()
    there = rest @ face.head_to_camera[:, :3, :3].transpose(0, 2, 1) + face.head_to_camera[:, None, :3, 3]
    still = face.landmarks.copy()
    still[..., :2] = face.focal * there[..., :2] / there[..., 2:] + face.size / 2
    at_rest = {"landmarks": still, "expression": np.zeros_like(face.expression)}
    assert np.abs(fitted(MadeFace(**{**vars(face), **at_rest})).identity).max() < 0.5


def test_lips_and_lids_open_and_close_as_the_landmarks_do(face: MadeFace, fit: Fit) -> None:
    for pair in (LIPS, LIDS):
        seen, shown = opening(face.landmarks, pair), opening(fit.reprojected, pair)
        assert np.corrcoef(seen, shown)[0, 1] > 0.98
        assert np.abs(seen - shown)[seen < seen.min() + 1.5].max() < 1.0  # what is closed stays closed


def test_expressions_are_found_within_their_bounds(face: MadeFace, fit: Fit) -> None:
    assert fit.expression.min() >= 0
    assert fit.expression.max() <= 1
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"):
        column = ARKIT_NAMES.index(name)
        assert np.corrcoef(fit.expression[:, column], face.expression[:, column])[0, 1] > 0.95


def test_the_eyes_look_where_they_looked(face: MadeFace, fit: Fit) -> None:
    column = ARKIT_NAMES.index("eyeLookOutLeft")
    assert np.abs(fit.expression[:, column] - face.expression[:, column]).mean() < 0.1


def test_the_size_of_the_picture_changes_nothing_but_pixels(face: MadeFace, fit: Fit) -> None:
    half = MadeFace(**{**vars(face), "size": 256, "landmarks": face.landmarks / 2})
    small = fitted(half)
    np.testing.assert_allclose(small.focal / 256, fit.focal / 512, rtol=1e-3)
    np.testing.assert_allclose(small.expression, fit.expression, atol=0.02)


def test_a_person_without_motion_can_be_fitted(face: MadeFace) -> None:
    one = MadeFace(**{**vars(face), **{name: getattr(face, name)[:1] for name in (
        "times", "expression", "head_to_camera", "landmarks")}})  # fmt: skip
    assert fitted(one).error.max() < 1.5


def test_long_films_are_fitted_piece_by_piece_without_seams(monkeypatch: pytest.MonkeyPatch, face: MadeFace, fit: Fit):
    from dgtalker_engine.capture.fit import solver

    monkeypatch.setattr(solver, "_TOGETHER", 12)
    pieces = fitted(face)
    assert degrees(pieces.head_to_camera[:, :3, :3], fit.head_to_camera[:, :3, :3]).max() < 0.3
    assert np.abs(pieces.expression - fit.expression).mean() < 0.02


def test_frames_without_a_face_are_refused(face: MadeFace) -> None:
    landmarks = face.landmarks.copy()
    landmarks[3] = np.nan
    with pytest.raises(DGTalkerError, match="frames in which it was found"):
        fitted(MadeFace(**{**vars(face), "landmarks": landmarks}))


def test_the_fit_can_be_cancelled(face: MadeFace) -> None:
    def cancel(done: float, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit_landmarks(face_model.load(), face.landmarks, face.expression, face.blink, face.times, face.size, cancel)


def test_frames_for_the_person_are_spread_over_what_there_is() -> None:
    features = np.concatenate([np.zeros((50, 2)), [[9.0, 0.0]], np.zeros((50, 2)), [[0.0, 9.0]]])
    assert {50, 101} <= set(spread(features, 4))
    assert list(spread(features[:3], 5)) == [0, 1, 2]
