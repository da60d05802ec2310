"""Tracks for the strict protocol: nothing of a test frame's picture but its landmarks.

Photometric refinement looks at pixels, so test frames must do without. How it corrects what landmarks say is learned on
the training frames by ridge regression, and predicted for the others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..capture.face_model import FaceModel
from ..capture.tracks import Tracks
from .clip_frames import Split, personal

_RESIDUALS, _EXPRESSIONS = 16, 8  # principal components that predict, and that are predicted
_RIDGE = 60.0  # in frames whose inputs vary by 1


def strict_tracks(landmarks: Tracks, refined: Tracks, split: Split, face_model: FaceModel, size: int) -> Tracks:
    """The refined tracks for the training frames; for the others those of the landmarks, corrected as they taught it.

    Args:
        landmarks: of the clip before it was refined.
        refined: of the same frames; only the training frames' are used, and only their pictures may have been.
        split: which are which.
        face_model: that was fitted.
        size: pixels of a frame's side.
    """
    training, test = np.array(split.training), np.array(split.test)
    turns = _relative(landmarks.head_to_camera, refined.head_to_camera)
    change = refined.expression - landmarks.expression
    mean = change[training].mean(axis=0)
    axes = np.linalg.svd(change[training] - mean, full_matrices=False)[2][:_EXPRESSIONS]
    wanted = np.concatenate([turns, (change - mean) @ axes.T], axis=1)
    inputs = _inputs(landmarks, training, face_model, size)
    middle = wanted[training].mean(axis=0)
    known = inputs[training]
    weights = np.linalg.solve(known.T @ known + _RIDGE * np.eye(known.shape[1]), known.T @ (wanted[training] - middle))
    predicted = middle + inputs[test] @ weights

    head_to_camera, expression = refined.head_to_camera.copy(), refined.expression.copy()
    head_to_camera[test] = landmarks.head_to_camera[test] @ _transforms(predicted[:, :6])
    expression[test] = landmarks.expression[test] + mean + predicted[:, 6:] @ axes
    pose = refined.pose.copy()
    pose[test] = landmarks.pose[test]
    return replace(
        refined,
        head_to_camera=head_to_camera.astype(np.float32),
        expression=expression.astype(np.float32),
        pose=pose,
        blink=landmarks.blink,
        landmarks=landmarks.landmarks,
        arkit=landmarks.arkit,
    )


def _relative(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """before⁻¹ · after as axis-angle and metres (T, 6)."""
    change = np.linalg.inv(before.astype(np.float64)) @ after
    return np.concatenate([Rotation.from_matrix(change[:, :3, :3]).as_rotvec(), change[:, :3, 3]], axis=1)


def _transforms(changes: np.ndarray) -> np.ndarray:
    result = np.tile(np.eye(4), (len(changes), 1, 1))
    result[:, :3, :3] = Rotation.from_rotvec(changes[:, :3]).as_matrix()
    result[:, :3, 3] = changes[:, 3:]
    return result


def _inputs(tracks: Tracks, training: np.ndarray, face_model: FaceModel, size: int) -> np.ndarray:
    """What the landmarks say of each frame, whitened over the training frames (T, n)."""
    model = personal(face_model, tracks.identity)
    with torch.no_grad():
        rows = [
            model.landmarks(model.vertices(row[:0], row, pose)).nan_to_num().numpy()
            for row, pose in zip(torch.from_numpy(tracks.expression), torch.from_numpy(tracks.pose), strict=True)
        ]
    points = np.stack(rows) + tracks.landmark_offsets
    turn, move = tracks.head_to_camera[:, :3, :3], tracks.head_to_camera[:, None, :3, 3]
    seen = points @ turn.transpose(0, 2, 1) + move
    pixels = seen[..., :2] / seen[..., 2:] * tracks.focal + size / 2
    residuals = (tracks.landmarks[..., :2] - pixels).reshape(len(tracks), -1)
    residuals = residuals - residuals[training].mean(axis=0)
    axes = np.linalg.svd(residuals[training], full_matrices=False)[2][:_RESIDUALS]
    turns = Rotation.from_matrix(turn.astype(np.float64)).as_rotvec()
    inputs = np.concatenate([residuals @ axes.T, tracks.expression, turns, move[:, 0]], axis=1)
    spread = inputs[training].std(axis=0)
    return (inputs - inputs[training].mean(axis=0)) / np.where(spread < 1e-6, np.inf, spread)
