"""From where the pictures to fit to are taken of a head, and the poses that it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...gaussians.camera import Camera

SIZE = 512
HEAD = np.array([0.0, 0.0, -0.018])
FACE = np.array([0.0, -0.055, -0.022])
DISTANCE = 1.0


@dataclass(frozen=True)
class View:
    """A direction of view (degrees, azimuth towards the head's left), and whether the face fills the picture."""

    azimuth: float
    elevation: float
    close: bool = False

    def camera(self, size: int = SIZE) -> Camera:
        target, width = (FACE, 0.22) if self.close else (HEAD, 0.40)
        return orbit(target, self.azimuth, self.elevation, width, (size, size))


@dataclass(frozen=True)
class FacePose:
    """Weights by control, and the views from which it is seen."""

    name: str
    weights: dict[str, float]
    views: tuple[View, ...]


def orbit(target: np.ndarray, azimuth: float, elevation: float, width: float, size: tuple[int, int]) -> Camera:
    """A camera a metre from `target` that shows `width` metres of its surroundings across the picture's height."""
    a, e = np.radians(azimuth), np.radians(elevation)
    away = np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])
    eye = target + DISTANCE * away
    right = np.array([np.cos(a), np.sin(a), 0.0])
    down = np.cross(-away, right)
    rotation = np.stack([right, down, -away])
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3], world_to_camera[:3, 3] = rotation, -rotation @ eye
    focal = size[1] * DISTANCE / width
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    return Camera(K=K, world_to_camera=world_to_camera, width=size[0], height=size[1])


def both(**weights: float) -> dict[str, float]:
    """Weights for Left and Right alike."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


AROUND = tuple(
    View(azimuth, elevation)
    for azimuth, elevation in (
        (0, 4), (30, 14), (-30, -8), (60, -4), (-60, 12), (95, 6), (-95, -2), (140, 8), (-140, 6), (180, 0),
        (20, 50), (-140, 48),
    )
)  # fmt: skip
FACES = tuple(View(azimuth, elevation, close=True) for azimuth, elevation in ((0, 0), (26, -12), (-26, 10), (-55, -4)))
LEFT, RIGHT = View(16, -4, close=True), View(-28, 6, close=True)
REST = FacePose("rest", {}, AROUND + FACES)
POSES = (
    REST,
    FacePose("jawOpen", {"jawOpen": 1.0}, (LEFT, RIGHT)),
    FacePose("mouthSmile", both(mouthSmile=1.0), (LEFT, RIGHT)),
    FacePose("eyeBlink", both(eyeBlink=1.0), (View(-6, 0, close=True),)),
    FacePose("mouthPucker", {"mouthPucker": 1.0}, (LEFT,)),
    FacePose("mouthFunnel", {"mouthFunnel": 1.0}, (RIGHT,)),
    FacePose("teeth", both(mouthUpperUp=0.8, mouthLowerDown=0.8), (LEFT,)),
    FacePose("tongueOut", {"tongueOut": 1.0, "jawOpen": 0.4}, (LEFT,)),
)
CHANGING = ("jawOpen", "mouthSmile", "eyeBlink", "mouthPucker", "mouthFunnel")
"""The poses that may change colours, named after the controls that make them."""

HELD_OUT = (
    *(View(azimuth, elevation) for azimuth, elevation in ((12, 8), (-45, 2), (75, 3), (-115, 8))),
    View(-34, 0, close=True),
)
