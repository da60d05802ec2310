"""The head's turns about how it is held usually."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from . import filters

_TO_HEAD_SPACE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""The axes of `faces.Face.rotation` (left, up, to the camera) in head space, whose face looks along −Y with +Z up."""

_SMOOTH_SECONDS = 0.07
_NOISES = 4.0


def head_turns(rotations: np.ndarray, fps: float) -> np.ndarray:
    """Yaw, pitch and roll in radians as `rig.HEAD_NAMES` has them (T, 3).

    The camera does not stand before the face, and the landmarker's pitch differs from person to person: only what
    the head does about its usual turn is kept, in the usual head's own axes.

    Args:
        rotations: `faces.Face.rotation` (T, 3, 3).
        fps: pictures per second.
    """
    turns = Rotation.from_matrix(_TO_HEAD_SPACE @ rotations @ _TO_HEAD_SPACE.T)
    usual = turns.mean()
    for _ in range(3):  # the mean of the nearer half, which looks aside do not pull
        away = (usual.inv() * turns).magnitude()
        usual = Rotation.from_quat(turns.as_quat()[away <= np.median(away)]).mean()
    pitch, roll, yaw = (usual.inv() * turns).as_euler("xyz").T
    angles = np.stack([yaw, pitch, roll], axis=1)
    return filters.cored(angles, _SMOOTH_SECONDS * fps, _NOISES * filters.noise(angles))
