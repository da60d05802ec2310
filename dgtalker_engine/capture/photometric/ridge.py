"""Poses of frames whose pictures are not used: what refinement changed elsewhere, foretold from landmarks."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..face_model import FaceModel
from ..fit.fit import reprojected
from ..tracks import Tracks

_COMPONENTS = 16  # of the landmarks' errors
_HELD = (30.0, 100.0, 300.0, 1000.0, 3000.0, np.inf)  # squared standard deviations
_NEAR_BEST = 1.15  # times the least error, up to which a stronger hold is as good
_STRETCHES = 5
_LEAST = 0.03  # of an expression's standard deviation


def foretell(tracks: Tracks, face_model: FaceModel, size: int, used: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """What refinement would change in every frame (T, 6): ridge regression on what it changed in some.

    How much the regression is held back, or whether the mean change says more, is found by leaving out stretches of the
    refined frames. It sees the leading components of the landmarks' errors, the expression and the head's turn, all of
    the tracks before refinement, so no pixel of the other frames is looked at.

    Args:
        size: of the clip's frames, pixels.
        used: numbers of the frames that were refined (n,).
        steps: what refinement changed in them, of `tracking.steps_between` (n, 6).
    """
    features = _features(tracks, face_model, size, used)
    here = features[used]
    predictions = np.empty((len(features), steps.shape[1]))
    errors = np.stack([_left_out_error(here, steps, held) for held in _HELD])
    good = errors <= _NEAR_BEST * errors.min(axis=0)
    for column in range(steps.shape[1]):
        held = _HELD[int(np.flatnonzero(good[:, column])[-1])]
        predictions[:, column] = _predict(here, steps[:, column], held, features)
    return predictions


def _predict(here: np.ndarray, wanted: np.ndarray, held: float, there: np.ndarray) -> np.ndarray:
    """Ridge regression from features (n, k) to what is wanted (n, …), at other features (m, k)."""
    mean = wanted.mean(0)
    if np.isinf(held):
        return np.broadcast_to(mean, (len(there), *wanted.shape[1:])).copy()
    centre = here.mean(0)
    gram = (here - centre).T @ (here - centre) + held * np.eye(here.shape[1])
    return mean + (there - centre) @ np.linalg.solve(gram, (here - centre).T @ (wanted - mean))


def _left_out_error(here: np.ndarray, wanted: np.ndarray, held: float) -> np.ndarray:
    """Squared error of each column of what is wanted, in stretches of time that are left out one by one."""
    error = np.zeros(wanted.shape[1])
    for left in np.array_split(np.arange(len(here)), _STRETCHES):
        others = np.setdiff1d(np.arange(len(here)), left)
        error += ((_predict(here[others], wanted[others], held, here[left]) - wanted[left]) ** 2).sum(0)
    return error


def _features(tracks: Tracks, face_model: FaceModel, size: int, used: np.ndarray) -> np.ndarray:
    """Standardised over the used frames (T, n)."""
    errors = reprojected(face_model, tracks, size) - tracks.landmarks[..., :2]
    errors = np.nan_to_num(errors[:, :468]).reshape(len(tracks), -1)
    errors -= errors[used].mean(0)
    _, strength, directions = np.linalg.svd(errors[used], full_matrices=False)
    strength = strength[:_COMPONENTS] / np.sqrt(len(used))
    turns = Rotation.from_matrix(
        tracks.head_to_camera[:, :3, :3].astype(np.float64)
        @ tracks.head_to_camera[used[0], :3, :3].T.astype(np.float64)
    ).as_rotvec()
    expression = tracks.expression.astype(np.float64)
    columns = [
        errors @ directions[:_COMPONENTS].T / np.maximum(strength, 1e-9),
        (expression - expression[used].mean(0)) / (expression[used].std(0) + _LEAST),
        (turns - turns[used].mean(0)) / np.maximum(turns[used].std(0), 1e-3),
    ]
    return np.concatenate(columns, axis=1)
