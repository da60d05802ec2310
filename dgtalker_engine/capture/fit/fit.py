"""`fit_landmarks`: from MediaPipe's landmarks to a person, a focal length, and poses and expressions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.torch_threads import one_torch_thread
from ...rig import ARKIT_NAMES
from ..face_model import LANDMARKS, FaceModel
from ..progress import Progress
from ..similarity import fit_similarity
from ..tracks import Tracks
from .frames import Frames, Person, Problem
from .landmark_model import LandmarkModel, landmark_model
from .solver import fit_frames, fit_person
from .weights import priors

_FOR_THE_PERSON = 150  # frames
_START_FOCAL = 2.2


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A face in T frames.

    Attributes:
        focal: pixels.
        identity: (I,).
        expression: (T, E).
        pose: the joints' rotations beside what expressions turn, axis-angle (T, J, 3).
        head_to_camera: head space to an OpenCV camera, metres (T, 4, 4).
        landmark_offsets: where this face's landmarks lie beside the model's, at rest in head space, metres (478, 3).
        reprojected: the landmarks of the fitted face, pixels (T, 478, 2); NaN where the model has none.
        error: of each frame, the mean distance of the landmarks and those reprojected, pixels (T,).
    """

    focal: float
    identity: np.ndarray
    expression: np.ndarray
    pose: np.ndarray
    head_to_camera: np.ndarray
    landmark_offsets: np.ndarray
    reprojected: np.ndarray
    error: np.ndarray

    def tracked(self) -> dict[str, Any]:
        """What of it are fields of `Tracks`, by name."""
        names = {field.name for field in fields(Tracks)}
        return {name: value for name, value in vars(self).items() if name in names}


def fit_landmarks(
    face_model: FaceModel,
    landmarks: np.ndarray,
    arkit: np.ndarray,
    blink: np.ndarray,
    times: np.ndarray,
    size: int,
    progress: Progress,
) -> Fit:
    """Fits a face model to the landmarks of a video.

    Args:
        landmarks: MediaPipe's, pixels, y down, z away from the camera in units of x (T, 478, 3).
        arkit: what MediaPipe's network sees of ARKit's blendshapes, in their order (T, 52).
        blink: how far the subject's left and right eye are closed, 0 to 1 (T, 2).
        times: of the frames, seconds, rising (T,).
        size: of the square pictures, pixels.

    Raises:
        DGTalkerError: no frame, or one without landmarks.
        Cancelled: `progress` raised it.
    """
    if len(landmarks) == 0 or not np.isfinite(landmarks).all():
        raise DGTalkerError("A face can only be fitted to frames in which it was found.", "Leave the others out.")
    progress(0.0, "Fitting the face")
    model = landmark_model(face_model)
    problem = Problem(model, landmarks, size)
    seen = _seen(face_model.expression_names, arkit, blink)
    held = priors(face_model.expression_names)
    focal = _START_FOCAL * size
    person = Person(np.zeros(len(face_model.identity)), focal, model.bias)
    frames = _begin(model, landmarks, focal, size, len(face_model.expression_names))
    chosen = spread(
        np.concatenate([np.nan_to_num(arkit), 3 * frames.rotation.reshape(len(arkit), 9)], 1), _FOR_THE_PERSON
    )

    def check() -> None:
        progress(0.0, "Fitting the face")

    with one_torch_thread():
        person = fit_person(problem.of(chosen), person, frames[chosen], seen[chosen], held, check)
        # The poses begin anew for the focal length found.
        frames = _begin(model, landmarks, person.focal, size, len(face_model.expression_names))
        frames = fit_frames(problem, person, frames, seen, times, held, lambda done: progress(done, "Fitting the face"))
    return _fit(problem, person, frames)


def reprojected(face_model: FaceModel, tracks: Tracks, size: int) -> np.ndarray:
    """Where tracks say that the landmarks lie, pixels (T, 478, 2); NaN where the model has none."""
    model = landmark_model(face_model)
    problem = Problem(model, tracks.landmarks, size)
    offsets = tracks.landmark_offsets[model.indices].astype(np.float64)
    poses = tracks.head_to_camera.astype(np.float64)
    frames = Frames(poses[:, :3, :3], poses[:, :3, 3], tracks.expression.astype(np.float64), tracks.pose)
    return _scattered(problem.project(Person(tracks.identity.astype(np.float64), tracks.focal, offsets), frames), model)


def _scattered(points: np.ndarray, model: LandmarkModel) -> np.ndarray:
    result = np.full((len(points), LANDMARKS, 2), np.nan)
    result[:, model.indices] = points
    return result


def _fit(problem: Problem, person: Person, frames: Frames) -> Fit:
    count, indices = len(frames.expression), problem.model.indices
    matrices = np.tile(np.eye(4), (count, 1, 1))
    matrices[:, :3, :3], matrices[:, :3, 3] = frames.rotation, frames.translation
    projected = problem.project(person, frames)
    offsets = np.zeros((LANDMARKS, 3))
    offsets[indices] = person.offsets
    return Fit(
        focal=person.focal,
        identity=person.identity,
        expression=frames.expression,
        pose=frames.joints,
        head_to_camera=matrices,
        landmark_offsets=offsets,
        reprojected=_scattered(projected, problem.model),
        error=np.linalg.norm(projected - problem.wanted, axis=-1).mean(1),
    )


def _seen(names: tuple[str, ...], arkit: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """What MediaPipe says of a model's expressions (T, E); NaN where it says nothing."""
    seen = arkit[:, [ARKIT_NAMES.index(name) for name in names]].astype(np.float64)
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        if name in names:
            seen[:, names.index(name)] = blink[:, side]
    for column, name in enumerate(names):
        if name.startswith("eyeLook"):  # the irises say more
            seen[:, column] = np.nan
    return seen


def _begin(model: LandmarkModel, landmarks: np.ndarray, focal: float, size: int, expressions: int) -> Frames:
    """Poses by laying the mean face over MediaPipe's landmarks in space."""
    count = len(landmarks)
    rotation, translation = np.empty((count, 3, 3)), np.empty((count, 3))
    face = model.indices < 468
    source = (model.neutral + model.bias)[face]
    for frame, points in enumerate(landmarks[:, model.indices[face]].astype(np.float64)):
        similarity = fit_similarity(source, points)
        rotation[frame] = similarity.rotation
        depth = focal / similarity.scale
        middle = similarity.apply(np.zeros((1, 3)))[0]
        translation[frame] = depth * np.array([*(middle[:2] - size / 2) / focal, 1.0])
    none = np.zeros((count, expressions))
    return Frames(rotation, translation, none, np.zeros((count, model.joints.shape[0], 3)))


def spread(features: np.ndarray, count: int) -> np.ndarray:
    """Up to `count` rows (rising) of features (T, n) that differ much: each the farthest from those before."""
    if len(features) <= count:
        return np.arange(len(features))
    chosen = [int(np.linalg.norm(features - np.median(features, axis=0), axis=1).argmin())]
    distance = np.full(len(features), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(features - features[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.sort(chosen)
