"""Curves of faces in videos, for the training over many people: tracked and fitted, without making clips of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....capture.eyes import blink
from ....capture.face_model import FaceModel
from ....capture.faces import FaceLandmarker
from ....capture.fit import fit_landmarks
from ....capture.progress import Progress
from ....capture.video import Video
from ....errors import DGTalkerError

_LONGEST_SIDE = 720
_FEWEST = 25


@dataclass(frozen=True, kw_only=True)
class TrackedFace:
    """A face in a video's pictures.

    Attributes:
        times: of the pictures in which it was found, seconds in the file's time (n,).
        arkit: weights of the fitted face model's expressions, `rig.ARKIT_NAMES` (n, 52).
        landmarks: pixels of a square picture (n, 478, 3).
    """

    times: np.ndarray
    arkit: np.ndarray
    landmarks: np.ndarray


def track(path: Path, face_model: FaceModel, progress: Progress) -> TrackedFace:
    """Follows the face of a video, where there are several the most prominent, and fits the face model to it.

    Raises:
        DGTalkerError: the video cannot be read, or hardly shows a face.
        Cancelled: from `progress`.
    """
    video = Video.open(path)
    times: list[float] = []
    landmarks: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    side = 0
    with FaceLandmarker(most=1, video=True) as landmarker:
        for time, picture in video.frames(longest_side=_LONGEST_SIDE):
            progress(min(time / max(video.seconds, 1e-3), 1.0) * 0.7, "Tracking the face")
            faces = landmarker.find(picture, time)
            height, width = picture.shape[:2]
            side = max(height, width)
            if faces:
                times.append(time)
                # The camera's axis goes through the picture's middle.
                moved = np.array([(side - width) / 2, (side - height) / 2, 0], np.float32)
                landmarks.append(faces[0].landmarks + moved)
                scores.append(faces[0].arkit)
    if len(times) < _FEWEST:
        raise DGTalkerError(f"{path} hardly shows a face.", "Give a video in which somebody faces the camera.")
    return fitted(np.array(times), np.stack(landmarks), np.stack(scores), side, face_model, progress)


def fitted(
    times: np.ndarray,
    landmarks: np.ndarray,
    scores: np.ndarray,
    size: int,
    face_model: FaceModel,
    progress: Progress,
) -> TrackedFace:
    """The tracked face of landmarks in square pictures, and of MediaPipe's scores, as `fit_landmarks` takes them."""
    fit = fit_landmarks(face_model, landmarks, scores, blink(landmarks), times, size, progress)
    return TrackedFace(times=times, arkit=fit.expression.astype(np.float32), landmarks=landmarks)
