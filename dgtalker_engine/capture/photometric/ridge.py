"""Poses of frames whose pictures are not used: what refinement changed elsewhere, foretold from landmarks."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..face_model import FaceModel
from ..fit.fit import reprojected
from ..tracks import Tracks

_COMPONENTS = 16  # of the landmarks' errors
_HELD = 60.0  # squared standard deviations
_LEAST = 0.03  # of an expression's standard deviation


def foretell(tracks: Tracks, face_model: FaceModel, size: int, used: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """What refinement would change in every frame (T, 6): ridge regression on what it changed in some.

    From the leading components of the landmarks' errors, the expression and the head's turn, all of the tracks before
    refinement, so no pixel of the other frames is looked at.

    Args:
        size: of the clip's frames, pixels.
        used: numbers of the frames that were refined (n,).
        steps: what refinement changed in them, of `tracking.steps_between` (n, 6).
    """
    features = _features(tracks, face_model, size, used)
    mean = steps.mean(0)
    here = features[used]
    # n may be below the number of features: the dual form has n unknowns.
    dual = np.linalg.solve(here @ here.T + _HELD * np.eye(len(used)), steps - mean)
    return mean + features @ (here.T @ dual)


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
