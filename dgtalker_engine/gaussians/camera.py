"""The camera that Gaussians are rendered from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DGTalkerError

MAX_SIDE = 16384


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole or orthographic camera, OpenCV convention (+X right, +Y down, +Z forward).

    Attributes:
        K: float64 (3, 3), ((fx, 0, cx), (0, fy, cy), (0, 0, 1)). Pixels; pixel centres lie at .5, (0, 0) is the top
            left corner of the top left pixel. For an orthographic camera fx and fy are pixels per metre.
        world_to_camera: float64 (4, 4), rigid, metres.
        width, height: pixels of the whole picture.
        orthographic: parallel projection.
        near, far: planar depth range that is drawn, metres.
    """

    K: np.ndarray
    world_to_camera: np.ndarray
    width: int
    height: int
    orthographic: bool = False
    near: float = 0.01
    far: float = 1e10

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise DGTalkerError(
                f"A picture of {self.width} × {self.height} pixels cannot be rendered.",
                f"Each side must have between 1 and {MAX_SIDE} pixels.",
            )
        if np.shape(self.K) != (3, 3) or np.shape(self.world_to_camera) != (4, 4):
            raise DGTalkerError("A camera needs a 3 × 3 matrix K and a 4 × 4 matrix world_to_camera.")
        if not (np.all(np.isfinite(self.K)) and np.all(np.isfinite(self.world_to_camera))):
            raise DGTalkerError("The camera's matrices hold values that are not finite numbers.")
        fx, fy = self.K[0][0], self.K[1][1]
        if not np.allclose(self.K, [[fx, 0, self.K[0][2]], [0, fy, self.K[1][2]], [0, 0, 1]]):
            raise DGTalkerError("A camera's matrix K has the form ((fx, 0, cx), (0, fy, cy), (0, 0, 1)).")
        rotation = np.asarray(self.world_to_camera)[:3, :3]
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3:
            raise DGTalkerError("A camera's matrix world_to_camera may turn and move, but not scale or shear.")
        if fx <= 0 or fy <= 0 or not 0 <= self.near < self.far:
            raise DGTalkerError("The camera's focal length or clipping range is not usable.")
