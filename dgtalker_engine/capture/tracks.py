"""What was tracked in a clip's frames, and its file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import DGTalkerError
from ..files import write_whole
from ..rig import ARKIT_NAMES
from .faces import POINTS

FILE = "tracks.safetensors"

_SHAPES = {
    "times": ("T",),
    "landmarks": ("T", POINTS, 3),
    "arkit": ("T", len(ARKIT_NAMES)),
    "blink": ("T", 2),
    "focal": (),
    "head_to_camera": ("T", 4, 4),
    "pose": ("T", "J", 3),
    "identity": ("I",),
    "expression": ("T", "E"),
    "landmark_offsets": (POINTS, 3),
}
"""Letters are sizes that must agree."""


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """The face over T frames. Pixels are those of the clip's square crop, at its full size.

    Attributes:
        times: of the frames, seconds from the sound's first sample, float64 (T,), which rise.
        landmarks: MediaPipe's, float32 (T, 478, 3), pixels: x to the right, y down, z away from the camera and about
            the head's middle, in units of x.
        arkit: MediaPipe's scores in the order of `rig.ARKIT_NAMES`, float32 (T, 52).
        blink: how far the left and the right eye of the subject are shut, of 0 to 1, float32 (T, 2).
        focal: length in pixels; the principal point is the crop's middle.
        head_to_camera: float32 (T, 4, 4), rigid, metres: from head space to an OpenCV camera.
        pose: turns of the face model's joints, axis-angle, float32 (T, J, 3).
        identity: of the face model, float32 (I,).
        expression: of the face model, float32 (T, E).
        landmark_offsets: metres in head space by which this face's landmarks lie beside the model's, float32 (478, 3).
    """

    times: np.ndarray
    landmarks: np.ndarray
    arkit: np.ndarray
    blink: np.ndarray
    focal: float
    head_to_camera: np.ndarray
    pose: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    landmark_offsets: np.ndarray

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, wanted in _SHAPES.items():
            value = np.asarray(getattr(self, name))
            good = value.ndim == len(wanted) and all(
                size == (sizes.setdefault(axis, size) if isinstance(axis, str) else axis)
                for size, axis in zip(value.shape, wanted, strict=False)
            )
            if not good:
                raise DGTalkerError(f"The tracks' {name} have the shape {value.shape}, where {wanted} is due.")
            if not np.isfinite(value).all():
                raise DGTalkerError(f"The tracks' {name} hold values that are not finite numbers.")
        if not (np.diff(self.times) > 0).all():
            raise DGTalkerError("The times of the tracks do not rise.")
        if self.focal <= 0:
            raise DGTalkerError(f"The focal length of the tracks is {self.focal}.")

    def __len__(self) -> int:
        return len(self.times)

    def save(self, path: Path) -> None:
        """Writes the file, or leaves the one before it whole.

        Raises:
            DGTalkerError: the disk does not take it.
        """
        arrays = {
            name: np.array(getattr(self, name), np.float64 if name in ("times", "focal") else np.float32, order="C")
            for name in _SHAPES
        }
        write_whole(path, safetensors.numpy.save(arrays))

    @classmethod
    def load(cls, path: Path) -> Tracks:
        """Reads a file.

        Raises:
            DGTalkerError: it is missing, damaged, or holds something else.
        """
        try:
            arrays = safetensors.numpy.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise DGTalkerError(f"{path} cannot be read: {error}.", "Capture the video again.") from error
        names = {field.name for field in fields(cls)}
        if names != set(arrays):
            raise DGTalkerError(f"{path} does not hold the tracks of a clip.", "Capture the video again.")
        return cls(**{**arrays, "focal": float(arrays["focal"])})
