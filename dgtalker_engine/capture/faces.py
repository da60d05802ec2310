"""Faces in pictures: MediaPipe's face landmarker.

Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs" (2019): 478 points, 468 of the
face and 10 of the irises; 52 scores after ARKit's blendshapes; and the head's turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import numpy as np

from ..rig import ARKIT_NAMES
from . import packages

POINTS = 478


@dataclass(frozen=True, kw_only=True)
class Face:
    """A face in a picture.

    Attributes:
        landmarks: float32 (`POINTS`, 3), pixels: x to the right, y down, z away from the camera and about the head's
            middle, in units of x.
        arkit: float32 (52,) of 0 to 1, in the order of `rig.ARKIT_NAMES`; the landmarker does not see the tongue.
        rotation: (3, 3), of the head: x to the picture's right, y up, z towards the camera.
    """

    landmarks: np.ndarray
    arkit: np.ndarray
    rotation: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom of the landmarks, pixels (4,)."""
        points = self.landmarks[:, :2]
        return np.concatenate([points.min(axis=0), points.max(axis=0)])

    @property
    def yaw(self) -> float:
        """Degrees by which the head is turned to a side: 0 looks at the camera, ±90 is a profile."""
        return float(np.degrees(np.arctan2(self.rotation[0, 2], self.rotation[2, 2])))


class FaceLandmarker:
    """Finds faces in single pictures, or follows them through a video. A context manager.

    Args:
        most: how many faces it finds at most.
        video: whether each picture's search begins where the last one's faces were.
    """

    def __init__(self, *, most: int, video: bool) -> None:
        self._mediapipe = packages.load("mediapipe")
        vision = packages.load("mediapipe.tasks.python.vision")
        base = packages.load("mediapipe.tasks.python").BaseOptions(model_asset_buffer=packages.face_landmarker())
        mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
        options = vision.FaceLandmarkerOptions(
            base_options=base,
            running_mode=mode,
            num_faces=most,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with packages.loading():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        self._clock = -1 if video else None

    def __enter__(self) -> FaceLandmarker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._landmarker.close()

    def find(self, picture: np.ndarray, time: float = 0.0) -> list[Face]:
        """The faces in a picture uint8 (H, W, 3) sRGB; of a video at `time` seconds, which rises from call to call."""
        data = np.ascontiguousarray(picture)
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=data)
        if self._clock is None:
            result = self._landmarker.detect(image)
        else:
            self._clock = max(round(1000 * time), self._clock + 1)  # it takes whole milliseconds that rise
            result = self._landmarker.detect_for_video(image, self._clock)
        height, width = picture.shape[:2]
        found = zip(result.face_landmarks, result.face_blendshapes, result.facial_transformation_matrixes, strict=True)
        faces: list[Face] = []
        for points, scores, matrix in found:
            landmarks = np.array([(p.x, p.y, p.z) for p in points], np.float32) * np.array(
                (width, height, width), np.float32
            )
            by_name = {score.category_name: score.score for score in scores}
            arkit = np.array([by_name.get(name, 0.0) for name in ARKIT_NAMES], np.float32)
            u, _, v = np.linalg.svd(np.asarray(matrix)[:3, :3])
            faces.append(Face(landmarks=landmarks, arkit=arkit, rotation=u @ v))
        return faces
